import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Agent, Auth4AgentError } from '@auth4agent/sdk'
import { forwardedHeaders } from './forward.ts'
import { type LocalRequest, type LocalServerOptions, type Proxy, startLocalServer } from './local-server.ts'
import { type Refusal, refusal } from './refuse-request.ts'

/** Options of {@link startApiProxy}. */
export interface ApiProxyOptions extends LocalServerOptions {
  /** The address of the API: an origin, perhaps with a path, without a slash at the end. */
  readonly api: string
  /** Sends a request with the agent's token, and with a DPoP proof if the token is bound. */
  readonly fetch: Agent['fetch']
  /** Time for the API to begin its answer; 60 000 by default. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 60_000
/** Headers of a body that fetch has decoded. */
const OF_ENCODED_BODY = new Set(['content-encoding', 'content-length'])

/**
 * Starts a proxy that sends requests to one API with the agent's token. Anyone who knows its prefix can act as the
 * agent at this API. Rejects with the system's error if the port cannot be opened.
 */
export function startApiProxy(options: ApiProxyOptions): Promise<Proxy> {
  return startLocalServer(options, async (request, response) => {
    if (request.body.length > 0 && ['GET', 'HEAD'].includes(request.method)) {
      return refusal(400, 'INVALID_ARGUMENT', `A ${request.method} request must have no body`)
    }
    const answer = await send(options, request).catch(toRefusal)
    if (!(answer instanceof Response)) return answer
    await write(answer, response, (location) => toOwn(location, options.api, request))
    return undefined
  })
}

async function send({ api, fetch, timeoutMs = TIMEOUT_MS }: ApiProxyOptions, request: LocalRequest): Promise<Response> {
  const { method, target, body, signal } = request
  const late = new AbortController()
  const timer = setTimeout(
    () => late.abort(new DOMException('The API did not answer in time', 'TimeoutError')),
    timeoutMs,
  )
  try {
    return await fetch(api + target.path + target.query, {
      method,
      headers: headersOf(request),
      ...(body.length > 0 && { body: Uint8Array.from(body) }),
      // The program decides about a redirect.
      redirect: 'manual',
      signal: AbortSignal.any([signal, late.signal]),
    })
  } finally {
    clearTimeout(timer)
  }
}

function headersOf({ headers }: LocalRequest): Headers {
  const sent = new Headers()
  for (let index = 0; index < headers.length; index += 2) sent.append(headers[index] ?? '', headers[index + 1] ?? '')
  // Otherwise fetch would ask for a compressed body and decode it.
  sent.set('accept-encoding', 'identity')
  return sent
}

async function write(answer: Response, response: ServerResponse, locate: (text: string) => string): Promise<void> {
  const isDecoded = answer.headers.has('content-encoding')
  const pairs = [...answer.headers]
    .filter(([name]) => !(isDecoded && OF_ENCODED_BODY.has(name)))
    .map(([name, value]) => [name, name === 'location' ? locate(value) : value])
  response.writeHead(answer.status, forwardedHeaders(pairs.flat(), 'response'))
  // Sends the headers at once, because the first event of a stream may come late.
  response.flushHeaders()
  if (answer.body === null) response.end()
  else await pipeline(chunksOf(answer.body), response)
}

/** Reads a body, and closes it when the client leaves. */
async function* chunksOf(body: NonNullable<Response['body']>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}

/** Returns a location at the API as a location at this proxy, and any other location unchanged. */
function toOwn(location: string, api: string, { target, ownUrl }: LocalRequest): string {
  const base = api + target.path
  if (!URL.canParse(location, base)) return location
  const { href } = new URL(location, base)
  return href.startsWith(`${api}/`) ? ownUrl + href.slice(api.length) : location
}

function toRefusal(error: unknown): Refusal {
  // Only a request for a token fails in this way.
  if (error instanceof Auth4AgentError) return refusal(502, error.reason, `The agent got no token: ${error.message}`)
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return refusal(504, 'DEADLINE_EXCEEDED', 'The API did not answer in time')
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return refusal(502, 'NETWORK_ERROR', `The API cannot be reached${why}`)
}
