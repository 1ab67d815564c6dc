import type { RequestListener, Server, ServerOptions, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { ApiError } from '../platform/errors/api-error.ts'
import type { ReasonCode } from '../platform/errors/reasons.ts'
import { createServer, IncomingMessage, STATUS_CODES } from '../platform/node-http.ts'
import type { GatewayConfig } from './config.ts'
import type { GatewayContext } from './gateway-context.ts'
import { problemOf } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

const KEEP_ALIVE_MS = 65_000
const MAX_HEADERS = 100
/** Pieces that a body may come in: each is kept until the last has come, and takes a hundred times what a single byte does. */
const MAX_PIECES = 1024
const TOO_MANY_PIECES = 'TOO_MANY_PIECES'

/** What Node's parser and timers refuse before there is a request; the rest is INVALID_ARGUMENT. */
const PARSER_REASONS: Readonly<Record<string, ReasonCode>> = {
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'BODY_TOO_LARGE',
  [TOO_MANY_PIECES]: 'BODY_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
}

/** Makes the HTTP/1.1 server, or the HTTPS one: nothing on it may last for ever, neither headers nor bodies nor idleness. */
export function createHttpServer({ requestTimeoutMs, tls }: GatewayConfig, listener: RequestListener): Server {
  const options: ServerOptions = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1000, Math.ceil(requestTimeoutMs / 2)),
    IncomingMessage: boundedRequest((socket) => {
      server.emit(
        'clientError',
        Object.assign(new Error('a body in too many pieces'), { code: TOO_MANY_PIECES }),
        socket,
      )
    }),
  }
  const server = tls === undefined ? createServer(options, listener) : createTlsServer({ ...options, ...tls }, listener)
  server.maxHeadersCount = MAX_HEADERS
  // A connection on which nothing moves for longer than any request or pause between requests may take.
  server.setTimeout(KEEP_ALIVE_MS + requestTimeoutMs, (socket) => socket.destroy())
  return server
}

/** Requests as Node reads them. Of one whose body comes in too many pieces `refuse` is told, and nothing of it is kept from then on. */
function boundedRequest(refuse: (socket: Socket) => void): typeof IncomingMessage {
  return class extends IncomingMessage {
    #pieces = 0

    override push(chunk: unknown, encoding?: BufferEncoding): boolean {
      const isEnd = chunk === null
      if (!isEnd) this.#pieces += 1
      if (this.#pieces <= MAX_PIECES) return super.push(chunk, encoding)
      if (!isEnd && this.#pieces === MAX_PIECES + 1) refuse(this.socket)
      return true
    }
  }
}

/**
 * Answers what was no request, on the bare socket, and closes it. While a request before it has no answer yet it only closes: its
 * caller would take the refusal for that one's.
 */
export async function refuseUnparsed(
  { config, rpc, callerOf }: GatewayContext,
  { code = '' }: NodeJS.ErrnoException,
  socket: Socket,
): Promise<void> {
  if (code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const caller = callerOf({ socket, headers: {} })
  const error = await rpc.refuse(new ApiError(PARSER_REASONS[code] ?? 'INVALID_ARGUMENT'), caller)
  const problem = problemOf(error, caller.requestId, false)
  const headers = [
    ...securityHeaders(config.baseUrl),
    ...Object.entries(problem.headers),
    ['x-request-id', caller.requestId],
    ['content-length', String(Buffer.byteLength(problem.body))],
    ['connection', 'close'],
  ]
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${head}\r\n${problem.body}`)
}

/** Whether a request that has come as a whole waits for its answer. Only Node's own property tells. */
function isAnswering(socket: Socket): boolean {
  const response: ServerResponse | null | undefined = Reflect.get(socket, '_httpMessage')
  return response?.req.complete === true
}
