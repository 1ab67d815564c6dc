import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { methodName } from '../chain/method-name.ts'
import { requestId } from '../chain/request-id.ts'
import { addOperationRoutes } from '../operations/routes.ts'
import { connectOnFirstCall, connectPathTest } from './connect/connect-on-first-call.ts'
import { createContext, type GatewayContext, type GatewayDeps, sendProblem } from './gateway-context.ts'
import { createHttpServer, refuseUnparsed } from './http-server.ts'
import { addBodyParser } from './rest/body-parser.ts'
import { createDirectRoutes, type DirectRoutes, isDirect } from './rest/direct-routes.ts'
import { type RestBinding, restBindings } from './rest/rest-bindings.ts'
import { addRestRoute } from './rest/rest-routes.ts'
import { securityHeaders, setHeaders } from './security-headers.ts'
import { followSilentConnections, type SilentConnections } from './silent-connections.ts'
import { type KnownPath, unroutedHook } from './unrouted.ts'
import { addWellKnownRoutes, wellKnownPaths } from './well-known/well-known.ts'

/** A listener on the HTTP port. */
export interface Gateway {
  /** Starts to listen. Rejects when the port cannot be had. */
  listen(): Promise<{ port: number }>
  /** Stops accepting, ends streams, lets requests in flight finish, closes the rest. */
  close(): Promise<void>
  /** Tells callers, with each answer, to make a new connection for the next: it may lead elsewhere. */
  drain(): void
}

/** URLs are bounded by Node's limit on headers; a DID in a path may take all of that. */
const MAX_PARAM_LENGTH = 16_384
/** No route has a schema: the contract is checked by what is made from it. Without this Fastify loads its compilers all the same. */
const NO_SCHEMAS = { buildValidator: refuseSchema, buildSerializer: refuseSchema }
/** How long requests in flight may take once the gateway closes, in milliseconds. */
const DRAIN_MS = 10_000
const DRAIN_CHECK_MS = 50
/** How long a connection without a request is left open then: one may be on its way. */
const SILENCE_MS = 500

/**
 * Makes the HTTP port: REST by the contract's own bindings, well-known documents, probes, and Connect with gRPC-Web beside
 * them. Throws Error when the contract holds what REST cannot serve.
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const { config } = deps
  const closing = new AbortController()
  let isDraining = false
  const context = createContext(deps, closing.signal)
  const bindings = restBindings(deps.rpc.services)
  const direct = createDirectRoutes(context, bindings, () => isDraining)
  let http: Server | undefined
  let silent: SilentConnections | undefined
  const fastify = createFastify(context, bindings, (handler) => {
    http = createHttpServer(
      config,
      splitListener(context, direct, handler, () => isDraining),
    )
    silent = followSilentConnections(http)
    return http
  })
  return {
    async listen() {
      await fastify.listen({ host: config.host, port: config.port })
      const address = fastify.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : config.port }
    },
    drain() {
      isDraining = true
    },
    async close() {
      // They are resumed elsewhere.
      closing.abort()
      const sweep = setInterval(() => {
        http?.closeIdleConnections()
        silent?.close(SILENCE_MS)
      }, DRAIN_CHECK_MS)
      const cut = setTimeout(() => http?.closeAllConnections(), DRAIN_MS)
      try {
        await fastify.close()
      } finally {
        clearInterval(sweep)
        clearTimeout(cut)
      }
    },
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Answers what is called most, settles what all other answers have, and hands Connect's paths to Connect, the rest to REST. */
function splitListener(
  context: GatewayContext,
  direct: DirectRoutes,
  rest: Listener,
  isDraining: () => boolean,
): Listener {
  const headers = securityHeaders(context.config.baseUrl)
  const isConnect = connectPathTest(context.rpc.services)
  const connect = connectOnFirstCall(context)
  return (request, response) => {
    const url = request.url ?? '/'
    if (!url.startsWith('/')) request.url = url.replace(/^https?:\/\/[^/?#]*\/?/i, '/')
    if (direct(request, response)) return
    const id = requestId(request.headers['x-request-id'])
    // Both sides read the id from the headers, so what a caller may not send is replaced there.
    request.headers['x-request-id'] = id
    response.setHeader('x-request-id', id)
    setHeaders(response, headers)
    if (isDraining()) response.setHeader('connection', 'close')
    if (isConnect(request.url ?? '/')) connect(request, response)
    else rest(request, response)
  }
}

function createFastify(
  context: GatewayContext,
  bindings: readonly RestBinding[],
  serverFactory: (handler: Listener) => Server,
): FastifyInstance {
  const fastify = Fastify({
    serverFactory,
    bodyLimit: context.config.bodyLimit,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    schemaController: { compilersFactory: NO_SCHEMAS },
    routerOptions: {
      maxParamLength: MAX_PARAM_LENGTH,
      // Queries are read by the fields they set, from the raw text.
      querystringParser: () => ({}),
    },
    clientErrorHandler: (error, socket) => void refuseUnparsed(context, error, socket),
    frameworkErrors: (error, request, reply) => void sendProblem(context, error, request, reply),
  })
  addBodyParser(fastify)
  fastify.setErrorHandler((error, request, reply) => sendProblem(context, error, request, reply))
  fastify.addHook('onRequest', unroutedHook(context, knownPaths(context, bindings)))
  fastify.setNotFoundHandler(() => {
    throw new Error('the hook answers what has no route')
  })
  for (const binding of bindings) if (!isDirect(binding)) addRestRoute(fastify, context, binding)
  addWellKnownRoutes(fastify, context)
  addOperationRoutes(fastify, context)
  return fastify
}

function refuseSchema(): never {
  throw new Error('REST has no schemas')
}

function knownPaths({ basePath, representations }: GatewayContext, bindings: readonly RestBinding[]): KnownPath[] {
  const prefix = basePath === '' ? '' : `(?:${escape(basePath)})?`
  const rest = bindings.map(({ method, verb, path }) => ({
    pattern: new RegExp(`^${prefix}${path.pattern.source.slice(1)}`),
    methods: [verb],
    isCrossOrigin: verb === 'GET' && representations[methodName(method)]?.isCrossOrigin === true,
  }))
  const fixed = (paths: readonly string[], isCrossOrigin: boolean) =>
    paths.map((path) => ({ pattern: new RegExp(`^${escape(path)}$`), methods: ['GET'], isCrossOrigin }))
  return [
    ...rest,
    ...fixed([...wellKnownPaths('auth4agent', basePath), ...wellKnownPaths('jwks.json', basePath)], true),
    ...fixed(['/health', `${basePath}/health`, '/ready', '/metrics'], false),
  ]
}

function escape(text: string): string {
  return text.replaceAll('.', '\\.')
}
