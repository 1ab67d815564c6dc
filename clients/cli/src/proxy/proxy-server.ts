import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { forward, forwardedHeaders } from './forward.ts'
import { findOperatorCall, type OperatorCall } from './operator-calls.ts'
import { problemText, type Refusal, refusal, refuseRequest } from './refuse-request.ts'
import { parseTarget, type Target } from './request-target.ts'

/** Options of {@link startProxy}. */
export interface ProxyOptions {
  /** The address of the server: an origin, perhaps with a path. */
  readonly server: URL
  /** The server's issuer. Links to it in answers are changed to the proxy, so that the next page is signed too. */
  readonly issuer: string
  /** Secret first segment of every path. Anyone who knows it can act as the operator. */
  readonly prefix: string
  readonly operatorId: string
  /** Makes an assertion for a call, `METHOD /path`. */
  readonly sign: (rpc: string) => Promise<string>
  /** Decides whether the proxy signs a call. */
  readonly signs: (call: OperatorCall) => boolean
  readonly onRequest: (entry: ProxyEntry) => void
  /** The loopback address to listen on. */
  readonly host: '127.0.0.1' | '::1'
  /** The port to listen on; 0 for a free one. */
  readonly port: number
  /** Time for the server to begin its answer; 60 000 by default. */
  readonly timeoutMs?: number
}

/** Log entry of a request. */
export interface ProxyEntry {
  readonly method: string
  /** Path without prefix and query; undefined for a request with a wrong prefix or path, which must not be logged. */
  readonly path: string | undefined
  readonly status: number
  /** Name of the signed call. */
  readonly signed: string | undefined
  /** Reason code, if the proxy itself answered the request. */
  readonly refused: string | undefined
}

/** A running proxy. */
export interface Proxy {
  /** Its address with the prefix. */
  readonly url: string
  /** Stops accepting requests, waits at most `graceMs` milliseconds (2000 by default) for running ones, and ends. */
  close(graceMs?: number): Promise<void>
}

/** Longest accepted body: sixteen times the limit of the server. */
const MAX_BODY_BYTES = 1_048_576
const TIMEOUT_MS = 60_000
const GRACE_MS = 2000
const MAX_CONNECTIONS = 256

/** Starts a proxy. Rejects with the system's error if the port cannot be opened. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: 10_000 }, (request, response) => {
    void serve(options, portOf(server), request, response)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(options.port, options.host)
  await once(server, 'listening')
  return { url: urlOf(options, portOf(server)), close: (graceMs) => close(server, graceMs) }
}

function urlOf({ host, prefix }: ProxyOptions, port: number): string {
  return `http://${host === '::1' ? '[::1]' : host}:${port}/${prefix}`
}

async function close(server: Server, graceMs = GRACE_MS): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The facts about a request that are known so far, for the log. */
interface Progress {
  path: string | undefined
  signed: string | undefined
}

async function serve(options: ProxyOptions, port: number, request: IncomingMessage, response: ServerResponse) {
  const progress: Progress = { path: undefined, signed: undefined }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  let refused: Refusal | undefined
  try {
    refused = await answer(options, port, { request, response, signal: gone.signal, progress })
    if (refused !== undefined) refuse(response, refused)
  } catch {
    // After the answer has begun, only closing the connection can report a failure.
    if (response.headersSent) response.destroy()
    else refuse(response, (refused = refusal(500, 'INTERNAL', 'The call could not be signed')))
  }
  const { method = '' } = request
  const status = refused?.status ?? response.statusCode
  options.onRequest({ method, status, refused: refused?.reason, ...progress })
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly signal: AbortSignal
  readonly progress: Progress
}

async function answer(options: ProxyOptions, port: number, exchange: Exchange): Promise<Refusal | undefined> {
  const { request, response, signal, progress } = exchange
  const unwanted = refuseRequest(request, port)
  if (unwanted !== undefined) return unwanted
  const target = parseTarget(request.url ?? '', options.prefix)
  if (target === 'not-found') return refusal(404, 'NOT_FOUND', 'The path does not begin with the prefix of this proxy')
  if (target === 'malformed')
    return refusal(
      400,
      'INVALID_ARGUMENT',
      'The path contains segments or escapes that proxy and server may read differently',
    )
  progress.path = target.path
  const body = await readBody(request)
  if (body === undefined) return refusal(413, 'BODY_TOO_LARGE', `The body must have at most ${MAX_BODY_BYTES} bytes`)
  const headers = forwardedHeaders(request.rawHeaders, 'request')
  const call = callToSign(options, request, target, body)
  if (call !== undefined && !options.signs(call)) {
    return refusal(403, 'NOT_SIGNED_HERE', `This proxy was started without permission to sign ${call.name}`)
  }
  const { method = '' } = request
  const path = options.server.pathname.replace(/\/$/, '') + target.path
  if (call !== undefined) headers.push('authorization', `Bearer ${await options.sign(`${method} ${path}`)}`)
  progress.signed = call?.name
  const outgoing = { method, target: path + target.query, headers, body, signal }
  const incoming = await forward(options.server, outgoing, options.timeoutMs ?? TIMEOUT_MS).catch(toRefusal)
  if ('reason' in incoming) return incoming
  const links = (value: string) => value.replaceAll(`<${options.issuer}/`, `<${urlOf(options, port)}/`)
  response.writeHead(incoming.statusCode ?? 502, forwardedHeaders(incoming.rawHeaders, 'response').map(links))
  // Sends the headers at once, because the first event of a stream may come late.
  response.flushHeaders()
  await pipeline(incoming, response)
  return undefined
}

function callToSign(options: ProxyOptions, request: IncomingMessage, { path }: Target, body: Uint8Array) {
  if (request.headers.authorization !== undefined) return undefined
  const call = findOperatorCall(request.method ?? '', path, options.operatorId)
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

/** Reads the whole body, because its length is sent before it. Returns undefined if it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  // The connection stays open, so that the client can read the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return refusal(504, 'DEADLINE_EXCEEDED', 'The server did not answer in time')
  }
  const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
  return refusal(502, 'NETWORK_ERROR', `The server cannot be reached${why}`)
}

function refuse(response: ServerResponse, refused: Refusal): void {
  if (response.destroyed) return
  const body = Buffer.from(problemText(refused))
  response.writeHead(refused.status, {
    'content-type': 'application/problem+json',
    'content-length': body.length,
    'cache-control': 'no-store',
    // The rest of the request is not read.
    connection: 'close',
  })
  response.end(body)
}
