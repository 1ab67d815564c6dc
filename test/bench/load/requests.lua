-- For wrk: sends the bodies of a file with one in each line as requests, and writes the result as JSON.
-- Arguments: the file of bodies, the file for the result, the content type, "once" or "again", the path.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  output = args[2]
  local start = " " .. args[5] .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: " .. args[3]
  -- Requests are built beforehand: Lua's garbage collection would be measured as latency of the server.
  requests = {}
  for line in io.lines(args[1]) do
    -- A proof before a tab is the header DPoP. The word GET before a tab says that a token follows, and no body.
    local first, body = line:match("^([^\t]*)\t(.*)$")
    body = body or line
    if first == "GET" then
      requests[#requests + 1] = "GET" .. start .. "\r\nAuthorization: Bearer " .. body .. "\r\n\r\n"
    else
      local dpop = first and "\r\nDPoP: " .. first or ""
      requests[#requests + 1] = "POST" .. start .. "\r\nContent-Length: " .. #body .. dpop .. "\r\n\r\n" .. body
    end
  end
  collectgarbage()
  once = args[4] == "once"
  sent = 0
  exhausted = false
end

function request()
  if once and sent >= #requests then exhausted = true end
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local file = io.open(threads[1]:get("output"), "w")
  file:write(string.format(
    '{"requests":%d,"seconds":%.6f,"sent":%d,"failures":%d,"exhausted":%s,"bytes":%d,"p50Us":%d,"p99Us":%d}',
    summary.requests,
    summary.duration / 1e6,
    threads[1]:get("sent"),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    tostring(threads[1]:get("exhausted")),
    summary.bytes,
    latency:percentile(50),
    latency:percentile(99)
  ))
  file:close()
end
