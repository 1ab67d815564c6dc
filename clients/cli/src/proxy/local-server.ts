import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { forwardedHeaders } from './forward.ts'
import { problemText, type Refusal, refusal, refuseRequest } from './refuse-request.ts'
import { parseTarget, type Target } from './request-target.ts'

/** Options of {@link startLocalServer}. */
export interface LocalServerOptions {
  /** Secret first segment of every path. Anyone who knows it can use the server. */
  readonly prefix: string
  readonly onRequest: (entry: ProxyEntry) => void
  /** The loopback address to listen on. */
  readonly host: '127.0.0.1' | '::1'
  /** The port to listen on; 0 for a free one. */
  readonly port: number
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

/** A request of a program on this machine, with the right prefix. */
export interface LocalRequest {
  readonly method: string
  readonly target: Target
  /** Names and values in turn, without those that belong to the connection. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
  /** The address of this server with the prefix. */
  readonly ownUrl: string
  /** Writes the name of the signed call into the log entry of the request. */
  readonly logSigned: (name: string) => void
}

/** Answers a request, or resolves with a refusal if it has not begun to answer. */
export type Handler = (request: LocalRequest, response: ServerResponse) => Promise<Refusal | undefined>

/** Longest accepted body: sixteen times the limit of the server. */
const MAX_BODY_BYTES = 1_048_576
const REQUEST_MS = 60_000
const GRACE_MS = 2000
const MAX_CONNECTIONS = 256

/**
 * Starts a server for programs on this machine, under a secret path. Rejects with the system's error if the port
 * cannot be opened.
 */
export async function startLocalServer(options: LocalServerOptions, handle: Handler): Promise<Proxy> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: 10_000 }, (request, response) => {
    void serve(options, handle, portOf(server), request, response)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.listen(options.port, options.host)
  await once(server, 'listening')
  return { url: urlOf(options, portOf(server)), close: (graceMs) => close(server, graceMs) }
}

function urlOf({ host, prefix }: LocalServerOptions, port: number): string {
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

async function serve(
  options: LocalServerOptions,
  handle: Handler,
  port: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const progress: Progress = { path: undefined, signed: undefined }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  let refused: Refusal | undefined
  try {
    const read = await readRequest(options, port, { request, signal: gone.signal, progress })
    refused = 'reason' in read ? read : await handle(read, response)
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
  readonly signal: AbortSignal
  readonly progress: Progress
}

/** Reads a request, or returns the refusal if it is not from a program on this machine that knows the prefix. */
async function readRequest(
  options: LocalServerOptions,
  port: number,
  { request, signal, progress }: Exchange,
): Promise<LocalRequest | Refusal> {
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
  return {
    method: request.method ?? '',
    target,
    headers: forwardedHeaders(request.rawHeaders, 'request'),
    body,
    signal,
    ownUrl: urlOf(options, port),
    logSigned: (name) => {
      progress.signed = name
    },
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
