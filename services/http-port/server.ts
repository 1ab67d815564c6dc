import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import { refuseRepeatedHeaders } from '../calls/repeated-headers.ts'
import { requestId } from '../calls/request-id.ts'
import type { Caller, Rpc } from '../calls/rpc.ts'
import { createIsTrusted, createSourceOf } from '../calls/source-of.ts'
import { ApiError, toApiError } from '../platform/errors/api-error.ts'
import type { Logger } from '../platform/log/log.ts'
import { reportClosedConnections } from '../platform/net/closed-connections.ts'
import { createConnections } from '../platform/net/connections.ts'
import { listenOn } from '../platform/net/listen.ts'
import { causeFields } from '../platform/trace/span.ts'
import { arrived, type Tracing } from '../platform/trace/tracing.ts'
import type { HttpPortConfig } from './config.ts'
import { dropRest } from './drop-rest.ts'
import { type Answer, EarlyRefusal, type Exchange, type Route, splitTarget } from './exchange.ts'
import { createNodeServer } from './node-server.ts'
import { type ProblemWriter, problemOf } from './problem.ts'
import { createRouter } from './router.ts'
import { securityHeaders } from './security-headers.ts'
import { refuseUnparsed } from './unparsed.ts'

/** Options of createHttpPort. */
export interface HttpPortDeps {
  readonly config: HttpPortConfig
  readonly rpc: Pick<Rpc, 'refuse'>
  readonly log: Logger
  /** Undefined while tracing is off. */
  readonly tracing?: Tracing | undefined
  readonly routes: readonly Route[]
  /** A protocol that answers every request to its own paths, with any method, and writes its responses itself. */
  readonly mount?: Mount
  /** Returns the form of errors at a path. The default is the problem document of RFC 9457. */
  readonly problemWriter?: (path: string) => ProblemWriter
  /** Counts a connection that the port closed because of a limit. */
  readonly connectionClosed: (port: string, reason: string) => void
}

/** A protocol with its own paths on the HTTP port. */
export interface Mount {
  readonly owns: (path: string) => boolean
  readonly handle: (exchange: Exchange) => Promise<void>
}

/** A listener on the HTTP port. */
export interface HttpPort {
  /** Starts to listen. Rejects when the port is not available. */
  listen(): Promise<{ port: number }>
  /** Stops accepting connections, lets running requests finish for up to 10 s, then closes all connections. */
  close(): Promise<void>
  /** From now on, closes each connection after its answer, so that callers may connect to another process. */
  drain(): void
}

/** How long running requests may take after the port begins to close, in milliseconds. */
const DRAIN_MS = 10_000
const DRAIN_CHECK_MS = 50
/** How long a connection without a request stays open then, in milliseconds, because a request may be on its way. */
const SILENCE_MS = 500

/** Creates the HTTP port, which reads requests and writes the answers of the routes. */
export function createHttpPort(deps: HttpPortDeps): HttpPort {
  const { config, log } = deps
  const report = reportClosedConnections({ port: 'http', log, count: deps.connectionClosed })
  const connections = createConnections({
    max: config.maxConnections,
    maxPerSource: config.maxSourceConnections,
    onClosed: report,
  })
  let isDraining = false
  const open = createExchanges(deps, () => isDraining)
  const serve = createServe(deps)
  const server = createNodeServer({
    config,
    connections,
    onFlooded: () => report('pipelined'),
    answer: (request, response) => void serve(open(request, response)),
    refuse: (code, socket) => {
      const caller = open.callerOf({ socket, headers: {} })
      refuseUnparsed(deps.rpc, config.baseUrl, caller, code, socket).catch(() => socket.destroy())
    },
  })
  return {
    async listen() {
      return {
        port: await listenOn(server, { host: config.host, port: config.port }, (problem) =>
          log.error({ problem }, 'the HTTP listener failed'),
        ),
      }
    },
    drain() {
      isDraining = true
    },
    async close() {
      const sweep = setInterval(() => {
        server.closeIdleConnections()
        connections.closeIdle(SILENCE_MS)
      }, DRAIN_CHECK_MS)
      const cut = setTimeout(() => connections.closeAll(), DRAIN_MS)
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      await Promise.all([closed.promise, connections.allClosed()])
      clearInterval(sweep)
      clearTimeout(cut)
    },
  }
}

type Received = Pick<IncomingMessage, 'headers'> & { readonly socket: Pick<Socket, 'remoteAddress'> }

/** Returns a function that creates the exchange of a request: its caller, its path and the common headers. */
function createExchanges({ config: { baseUrl, trustedProxies }, tracing }: HttpPortDeps, isDraining: () => boolean) {
  const common = securityHeaders(baseUrl)
  const sourceOf = createSourceOf(trustedProxies)
  const isTrusted = createIsTrusted(trustedProxies)
  const callerOf = ({ socket, headers }: Received): Caller => {
    const forwarded = headers['x-forwarded-for'] ?? []
    const peer = socket.remoteAddress ?? ''
    return {
      requestId: requestId(headers['x-request-id']),
      source: sourceOf(peer, typeof forwarded === 'string' ? [forwarded] : forwarded),
      ...arrived(tracing, headers['traceparent'], () => isTrusted(peer)),
    }
  }
  const open = (request: IncomingMessage, response: ServerResponse): Exchange => {
    const caller = callerOf(request)
    const headers: Record<string, string> = { ...common, 'x-request-id': caller.requestId }
    if (isDraining()) headers['connection'] = 'close'
    return { request, response, caller, headers, ...splitTarget(request.url ?? '/') }
  }
  return Object.assign(open, { callerOf })
}

/** Returns a function that answers an exchange. It never rejects. */
function createServe({ rpc, log, routes, mount, problemWriter }: HttpPortDeps): (exchange: Exchange) => Promise<void> {
  const router = createRouter(routes)
  const answer = async (exchange: Exchange): Promise<Answer | undefined> => {
    const { request, path } = exchange
    refuseUnmet(request)
    if (mount?.owns(path) === true) {
      refuseRepeated(request)
      await mount.handle(exchange)
      return undefined
    }
    const { route, params } = router(request.method ?? '', path)
    if (route.readsRepeatedHeaders !== true) refuseRepeated(request)
    return route.handle(exchange, params)
  }
  return async (exchange) => {
    try {
      const answered = await answer(exchange).catch((thrown: unknown) =>
        refusalOf(rpc, exchange, thrown, problemWriter?.(exchange.path) ?? problemOf),
      )
      if (answered === undefined) return
      // So all answers that are ready in this turn of the event loop leave together. Otherwise each wakes the receiver
      // by itself, which can cost this process as much as all the rest of a request.
      await endOfTurn()
      await send(exchange, answered)
    } catch (error) {
      // Even the refusal failed, so nothing more can be sent on this connection.
      log.error({ ...causeFields(exchange.caller), error }, 'a request could not be answered')
      exchange.response.destroy()
    }
  }
}

/**
 * Refuses requests that Node would refuse without counting them (RFC 9110 sections 7.2 and 10.1.1), and targets with a
 * fragment (RFC 9112 section 3.2): programs in front may take it for a part of the path.
 */
function refuseUnmet({ headers, httpVersion, url = '' }: IncomingMessage): void {
  if (url.includes('#')) throw early('The request target must not contain a fragment')
  if (headers.host === undefined && httpVersion === '1.1') throw early('An HTTP/1.1 request must have a Host header')
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    throw early('Expect must be 100-continue')
  }
}

/** Throws EarlyRefusal for a header that must be single (RFC 9110 section 5.3). */
function refuseRepeated({ rawHeaders }: IncomingMessage): void {
  try {
    refuseRepeatedHeaders(rawHeaders)
  } catch (error) {
    throw error instanceof ApiError ? new EarlyRefusal(error) : error
  }
}

function early(detail: string): EarlyRefusal {
  return new EarlyRefusal(new ApiError('INVALID_ARGUMENT', detail))
}

/**
 * Converts a thrown error to an answer. An ApiError comes from the pipeline or from a probe. Any other error first
 * passes the pipeline, which limits, logs and counts it.
 */
async function refusalOf(
  rpc: Pick<Rpc, 'refuse'>,
  { request, caller }: Exchange,
  thrown: unknown,
  write: ProblemWriter,
): Promise<Answer | undefined> {
  const isEarly = thrown instanceof EarlyRefusal
  const error =
    thrown instanceof ApiError ? thrown : await rpc.refuse(isEarly ? thrown.error : toApiError(thrown), caller)
  const problem = write(error, caller.requestId, request.headers.authorization)
  return isEarly ? { ...problem, headers: { ...thrown.headers, ...problem.headers } } : problem
}

/**
 * Writes an answer. Node omits the body if the request was HEAD. If the connection is to be closed while the body of
 * the request still arrives, the caller first gets the whole answer, and the connection stays until it has sent the
 * rest.
 */
async function send({ request, response, headers }: Exchange, answer: Answer): Promise<void> {
  const { status, body } = answer
  const hasBody = status !== 204 && status !== 304
  response.writeHead(status, {
    ...headers,
    ...answer.headers,
    ...(answer.cookies !== undefined && { 'set-cookie': [...answer.cookies] }),
    ...(hasBody && { 'content-length': Buffer.byteLength(body) }),
  })
  if (answer.headers?.['connection'] === 'close' && hasBody && !request.complete) {
    response.write(body)
    await dropRest(request)
    response.end()
  } else response.end(hasBody ? body : undefined)
}
