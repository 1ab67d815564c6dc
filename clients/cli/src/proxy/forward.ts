import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { deferred } from '@auth4agent/core/async/waiting'

/** A request to the server. */
export interface Outgoing {
  readonly method: string
  /** Path and query, sent byte for byte. */
  readonly target: string
  /** Names and values in turn, like Node's rawHeaders. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly signal: AbortSignal
}

/** Headers that belong to one connection (RFC 9110 section 7.6.1), or that the proxy sets itself. */
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
/**
 * Headers that are dropped only from requests. A response keeps content-length: a client cannot learn the length in
 * another way from a response to HEAD, which has no body.
 */
const ONLY_OF_REQUESTS = new Set(['content-length', 'host', 'expect'])

/**
 * Sends a request to the server and resolves with its answer before the body is read. Rejects with the error of the
 * network, or with a TimeoutError if the headers do not arrive within `timeoutMs`. Each request has its own
 * connection: the server could close a reused one while a call that must not be repeated is on its way.
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
    () => request.destroy(new DOMException('The server did not answer in time', 'TimeoutError')),
    timeoutMs,
  )
  request.once('response', resolve)
  request.on('error', reject)
  // If the server switches to another protocol without a request for it, Node emits no event except `close`.
  request.once('close', () => reject(new Error('The server did not answer')))
  request.end(body)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

/** Returns the headers of a message that are forwarded. */
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

/** Returns the content-length header, so that the server need not find the end of the body. */
function lengthOf(method: string, body: Uint8Array): string[] {
  return body.length === 0 && (method === 'GET' || method === 'HEAD') ? [] : ['content-length', String(body.length)]
}
