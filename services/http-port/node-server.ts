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
import { createConnectionSource } from '../chain/source-of.ts'
import type { Connections } from '../platform/net/connections.ts'
import type { HttpPortConfig } from './config.ts'
import { createPipeline, type Pipeline } from './pipeline.ts'
import { CONNECT_METHOD, TOO_MANY_PIECES } from './unparsed.ts'

/** What the server hands on. */
export interface NodeServerDeps {
  readonly config: HttpPortConfig
  readonly connections: Connections
  /** Answers a request, when those before it on its connection are answered. */
  readonly answer: RequestListener
  /** Answers on a bare socket what Node made no request of; `code` is Node's name for why. */
  readonly refuse: (code: string, socket: Socket) => void
  /** Hears of a connection that brought too many requests at once, which is closed. */
  readonly onFlooded: () => void
}

const KEEP_ALIVE_MS = 65_000
const MAX_HEADERS = 100
/** Pieces that a body may come in: each is kept until the last has come, and takes a hundred times what a single byte does. */
const MAX_PIECES = 1024

/**
 * Creates the HTTP/1.1 server, or the HTTPS one. Everything on it ends: handshakes, headers, bodies, idleness. A request to change
 * the protocol (Upgrade) is answered as if it had not asked (RFC 9110 section 7.8).
 */
export function createNodeServer(deps: NodeServerDeps): Server {
  const { config, onFlooded } = deps
  const { requestTimeoutMs, tls } = config
  const options: ServerOptions = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1000, Math.ceil(requestTimeoutMs / 2)),
    // The exchange refuses these itself, so that they are counted.
    requireHostHeader: false,
    IncomingMessage: boundedRequest((socket) => refuse(TOO_MANY_PIECES, socket)),
  }
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...tls, handshakeTimeout: requestTimeoutMs })
  server.maxHeadersCount = MAX_HEADERS
  // A connection on which nothing moves for longer than any request or pause between requests may take.
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
  // Emitted in its place for an expectation other than 100-continue; the exchange refuses it.
  server.on('checkExpectation', push)
  server.on('connect', (_request, socket) => refuse(CONNECT_METHOD, socket as Socket))
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => refuse(code, socket as Socket))
  return server
}

type Pipelines = WeakMap<Socket, Pipeline>

/** Admits connections when they are made, and gives them a pipeline once HTTP can begin on them: after the TLS handshake. */
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
 * Makes the function that refuses what is no request, once for each connection. It only closes where nobody would understand
 * an answer: before TLS stands, and while a request before it has no answer yet, whose caller would take it for that one's.
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

/** Requests as Node reads them. `refuse` hears of one whose body comes in too many pieces; from then on none is kept. */
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
