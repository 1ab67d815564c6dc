import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createConnectionSource } from '../calls/source-of.ts'
import type { Connections } from '../platform/net/connections.ts'
import type { HttpPortConfig } from './config.ts'
import { isDropped } from './drop-rest.ts'
import { createPipeline, type Pipeline } from './pipeline.ts'
import { CONNECT_METHOD, TOO_MANY_PIECES } from './unparsed.ts'

/** Options of createNodeServer. */
export interface NodeServerDeps {
  readonly config: HttpPortConfig
  readonly connections: Connections
  /** Answers a request. Called after all earlier requests of the connection are answered. */
  readonly answer: RequestListener
  /** Answers on the bare socket when Node could not parse a request. `code` is Node's error code. */
  readonly refuse: (code: string, socket: Socket) => void
  /** Called when a connection is closed because it sent too many requests at once. */
  readonly onFlooded: () => void
}

const KEEP_ALIVE_MS = 65_000
const MAX_HEADERS = 100
/**
 * The most pieces of a body. The pieces are kept in memory until the last one arrives, and a piece of one byte needs
 * 100 times its size.
 */
const MAX_PIECES = 1024

/**
 * Creates the HTTP/1.1 server, with TLS if configured. Handshakes, headers, bodies and idle connections all have a
 * time limit. The header Upgrade is ignored (RFC 9110 section 7.8).
 */
export function createNodeServer(deps: NodeServerDeps): Server {
  const { config, onFlooded } = deps
  const { requestTimeoutMs, tls } = config
  const options: ServerOptions = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1000, Math.ceil(requestTimeoutMs / 2)),
    // The HTTP port itself refuses requests without Host, so that they are counted.
    requireHostHeader: false,
    IncomingMessage: boundedRequest((socket) => refuse(TOO_MANY_PIECES, socket)),
  }
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...tls, handshakeTimeout: requestTimeoutMs })
  server.maxHeadersCount = MAX_HEADERS
  // Closes a connection that is silent for longer than any request or any pause between requests may take.
  server.setTimeout(KEEP_ALIVE_MS + requestTimeoutMs, (socket) => socket.destroy())
  const pipelines = followConnections(server, deps)
  const refuse = createRefusal(pipelines, deps)
  const push = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    if (socket.destroyed) return
    if (pipelines.get(socket)?.push(request, response, () => deps.answer(request, response)) === true) return
    socket.destroy()
    onFlooded()
  }
  server.on('request', push)
  // Node emits this event instead of `request` if Expect is not 100-continue. The HTTP port refuses such a request.
  server.on('checkExpectation', push)
  server.on('connect', (_request, socket) => refuse(CONNECT_METHOD, socket as Socket))
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => refuse(code, socket as Socket))
  return server
}

type Pipelines = WeakMap<Socket, Pipeline>

/** Admits new connections. Creates a pipeline for each connection at its start, or with TLS after the handshake. */
function followConnections(server: Server, { config, connections }: NodeServerDeps): Pipelines {
  const sourceOf = createConnectionSource(config.trustedProxies)
  const pipelines: Pipelines = new WeakMap()
  const begin = (socket: Socket, connection: ReturnType<Connections['find']>): void => {
    if (connection === undefined) socket.destroy()
    else pipelines.set(socket, createPipeline(socket, connection))
  }
  server.prependListener('connection', (socket: Socket) => {
    const connection = connections.admit(socket, sourceOf(socket.remoteAddress ?? ''))
    if (config.tls === undefined) begin(socket, connection)
  })
  server.prependListener('secureConnection', (socket: Socket) => begin(socket, connections.find(socket)))
  return pipelines
}

/**
 * Returns a function that refuses unparsable input, once per connection. It closes the connection without an answer in
 * two cases: before the end of the TLS handshake, and while an earlier request is not answered yet, because the caller
 * would read the refusal as the answer to that request.
 */
function createRefusal(pipelines: Pipelines, { refuse }: NodeServerDeps): (code: string, socket: Socket) => void {
  const refused = new WeakSet<Socket>()
  return (code, socket) => {
    if (refused.has(socket)) return
    refused.add(socket)
    const pipeline = pipelines.get(socket)
    const isUnderstood = pipeline !== undefined && !pipeline.isAnswering() && socket.writable
    if (isUnderstood && code !== 'ECONNRESET') refuse(code, socket)
    else socket.destroy()
  }
}

/**
 * Returns a request class for Node's parser that counts the pieces of a body. It calls `refuse` when there are too
 * many pieces, and drops all further pieces.
 */
function boundedRequest(refuse: (socket: Socket) => void): typeof IncomingMessage {
  return class extends IncomingMessage {
    #pieces = 0

    override push(chunk: unknown, encoding?: BufferEncoding): boolean {
      if (isDropped(this)) return super.push(chunk, encoding)
      const isEnd = chunk === null
      if (!isEnd) this.#pieces += 1
      if (this.#pieces <= MAX_PIECES) return super.push(chunk, encoding)
      if (!isEnd && this.#pieces === MAX_PIECES + 1) refuse(this.socket)
      return true
    }
  }
}
