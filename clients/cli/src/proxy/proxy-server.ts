import { pipeline } from 'node:stream/promises'
import { forward, forwardedHeaders } from './forward.ts'
import { type LocalRequest, type LocalServerOptions, type Proxy, startLocalServer } from './local-server.ts'
import { findOperatorCall, type OperatorCall } from './operator-calls.ts'
import { type Refusal, refusal } from './refuse-request.ts'

/** Options of {@link startProxy}. */
export interface ProxyOptions extends LocalServerOptions {
  /** The address of the server: an origin, perhaps with a path. */
  readonly server: URL
  /** The server's issuer. Links to it in answers are changed to the proxy, so that the next page is signed too. */
  readonly issuer: string
  readonly operatorId: string
  /** Makes an assertion for a call, `METHOD /path`, with exactly this body. */
  readonly sign: (rpc: string, body: Uint8Array) => Promise<string>
  /** Decides whether the proxy signs a call. */
  readonly signs: (call: OperatorCall) => boolean
  /** Time for the server to begin its answer; 60 000 by default. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 60_000

/**
 * Starts a proxy that signs operator calls. Anyone who knows its prefix can act as the operator. Rejects with the
 * system's error if the port cannot be opened.
 */
export function startProxy(options: ProxyOptions): Promise<Proxy> {
  return startLocalServer(options, async (request, response) => {
    const call = callToSign(options, request)
    if (call !== undefined && !options.signs(call)) {
      return refusal(403, 'NOT_SIGNED_HERE', `This proxy was started without permission to sign ${call.name}`)
    }
    const { method, target, body, signal, ownUrl } = request
    const path = options.server.pathname.replace(/\/$/, '') + target.path
    const headers = [...request.headers]
    if (call !== undefined) {
      headers.push('authorization', `Bearer ${await options.sign(`${method} ${path}`, body)}`)
      request.logSigned(call.name)
    }
    const outgoing = { method, target: path + target.query, headers, body, signal }
    const incoming = await forward(options.server, outgoing, options.timeoutMs ?? TIMEOUT_MS).catch(toRefusal)
    if ('reason' in incoming) return incoming
    const links = (value: string) => value.replaceAll(`<${options.issuer}/`, `<${ownUrl}/`)
    response.writeHead(incoming.statusCode ?? 502, forwardedHeaders(incoming.rawHeaders, 'response').map(links))
    // Sends the headers at once, because the first event of a stream may come late.
    response.flushHeaders()
    await pipeline(incoming, response)
    return undefined
  })
}

function callToSign(options: ProxyOptions, { method, target, headers, body }: LocalRequest): OperatorCall | undefined {
  if (headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization')) return undefined
  const call = findOperatorCall(method, target.path, options.operatorId)
  return call?.needed === 'by-jti' && !namesJti(body) ? undefined : call
}

function namesJti(body: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString())
    return typeof value === 'object' && value !== null && 'jti' in value && value.jti !== ''
  } catch {
    return false
  }
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return refusal(504, 'DEADLINE_EXCEEDED', 'The server did not answer in time')
  }
  const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
  return refusal(502, 'NETWORK_ERROR', `The server cannot be reached${why}`)
}
