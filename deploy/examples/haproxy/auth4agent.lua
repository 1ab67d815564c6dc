-- Asks Auth4Agent about a request: "http-request lua.auth4agent URL". Sets txn.auth4agent_status to the status of the
-- answer, and leaves it unset after an error. Only 204 lets the request pass, which the configuration must check.

local PREFIX = "x-auth4agent-"
local TIMEOUT_MS = 5000

-- Returns all values of a header, so that Auth4Agent sees a repeated one.
local function all(headers, name)
  local values = {}
  for place = 0, #(headers[name] or {}) do
    local value = headers[name] and headers[name][place]
    if value then table.insert(values, value) end
  end
  return values
end

local function ask(txn, url)
  local headers = txn.http:req_get_headers()
  local host = all(headers, "host")
  local question = {
    ["x-original-method"] = { txn.f:method() },
    ["x-forwarded-for"] = { txn.f:src() },
  }
  for _, name in ipairs({ "authorization", "dpop" }) do
    local values = all(headers, name)
    if #values > 0 then question[name] = values end
  end
  if #host == 1 then
    local scheme = txn.f:ssl_fc() == 1 and "https" or "http"
    question["x-original-url"] = { scheme .. "://" .. host[1] .. txn.f:pathq() }
  end
  local answer = core.httpclient():get({ url = url, headers = question, timeout = TIMEOUT_MS })
  local status = answer and answer.status or 0
  local told = answer and answer.headers or {}
  if status == 204 then
    for name, values in pairs(told) do
      if name:sub(1, #PREFIX) == PREFIX and values[0] ~= "" then txn.http:req_set_header(name, values[0]) end
    end
  end
  txn:set_var("txn.auth4agent_challenge", all(told, "www-authenticate")[1] or "")
  txn:set_var("txn.auth4agent_reason", all(told, PREFIX .. "reason")[1] or "")
  txn:set_var("txn.auth4agent_status", status)
end

core.register_action("auth4agent", { "http-req" }, ask, 1)
