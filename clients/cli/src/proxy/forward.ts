import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { deferred } from '@auth4agent/core/async/waiting'

/** A request as it is sent to the server. */
export interface Outgoing {
  readonly method: string
  /** With query; sent byte for byte. */
  readonly target: string
  /** Names and values in turn, as Node's rawHeaders. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly signal: AbortSignal
}

/** Of one connection alone (RFC 9110 section 7.6.1), or made anew for the next one. */
const NOT_FORWARDED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
/** A response keeps its length: to HEAD there is no other way to know it. */
const ONLY_OF_REQUESTS = new Set(['content-length', 'host', 'expect'])

/**
 * Sends a request to the one server and resolves with its answer, the body unread. Rejects with what the network said, and with a
 * TimeoutError where there are no headers after `timeoutMs`. Each request has a connection of its own: one that was kept could be
 * closed by the server just when a call that must not be repeated is on its way.
 */
export async function forward(server: URL, outgoing: Outgoing, timeoutMs: number): Promise<IncomingMessage> {
  const { method, target, headers, body, signal } = outgoing
  const { promise, resolve, reject } = deferred<IncomingMessage>()
  const options: RequestOptions = {
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: server.port === '' ? undefined : Number(server.port),
    method,
    path: target,
    headers: ['host', server.host, ...headers, ...lengthOf(method, body), 'connection', 'close'],
    agent: false,
    signal,
  }
  const request = server.protocol === 'https:' ? tlsRequest(options) : plainRequest(options)
  const timer = setTimeout(
    () => request.destroy(new DOMException('the server has not answered in time', 'TimeoutError')),
    timeoutMs,
  )
  request.once('response', resolve)
  request.on('error', reject)
  // A server that switches to another protocol, which nobody has asked for, ends it without a word.
  request.once('close', () => reject(new Error('the server has not answered')))
  request.end(body)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

/** What of a message's headers goes on to the other side. */
export function forwardedHeaders(raw: readonly string[], of: 'request' | 'response'): string[] {
  const pairs = Array.from({ length: Math.floor(raw.length / 2) }, (_, index) => raw.slice(2 * index, 2 * index + 2))
  const named = pairs
    .filter(([name]) => name?.toLowerCase() === 'connection')
    .flatMap(([, value = '']) => value.split(','))
  const dropped = new Set(named.map((name) => name.trim().toLowerCase()))
  const isKept = (name: string) => {
    if (of === 'response' && ONLY_OF_REQUESTS.has(name)) return true
    return !NOT_FORWARDED.has(name) && !dropped.has(name)
  }
  return pairs.filter(([name = '']) => isKept(name.toLowerCase())).flat()
}

/** A body's length is always told, so that its end is never for the server to find. */
function lengthOf(method: string, body: Uint8Array): string[] {
  return body.length === 0 && (method === 'GET' || method === 'HEAD') ? [] : ['content-length', String(body.length)]
}
