import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Message } from '@bufbuild/protobuf'
import { methodName } from '../../chain/method-name.ts'
import type { Caller } from '../../chain/rpc.ts'
import { type AtEndOfTurn, createEndOfTurn } from '../../platform/end-of-turn.ts'
import { ApiError, toApiError } from '../../platform/errors/api-error.ts'
import type { StatusRefusals } from '../../platform/errors/status-refusal.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { problemOf } from '../problem.ts'
import { securityHeaders } from '../security-headers.ts'
import { pathOf, queryOf } from '../well-known/links.ts'
import { parseBody } from './body-parser.ts'
import { compileWriter, type MessageWriter } from './json-writer.ts'
import { PREFERENCE_APPLIED, prefersRefusal } from './refuse-by-status.ts'
import { compileRequestReader, type RequestReader } from './request-reader.ts'
import type { RestBinding } from './rest-bindings.ts'

/** Answers a request where its path is one of these routes, and tells whether it is. */
export type DirectRoutes = (request: IncomingMessage, response: ServerResponse) => boolean

interface DirectRoute {
  readonly binding: RestBinding
  /** What an operator's assertion names. */
  readonly rpc: string
  readonly read: RequestReader
  readonly write: MessageWriter
  /** How an answer that says no is refused to a caller who prefers that; undefined where answers say no such thing. */
  readonly refusalOf: StatusRefusals[string] | undefined
}

const CLOSE: readonly string[] = ['connection', 'close']
const NOTHING: readonly string[] = []
const NO_BODY = Buffer.alloc(0)

/**
 * Whether a binding needs nothing of a router or a framework: POST to a fixed path, with the message as its body and as its
 * answer. What is called most is of this kind, and answered with one header block and one write.
 */
export function isDirect({ verb, path, body, responseBody, method }: RestBinding): boolean {
  const isWhole = body === '*' && responseBody === undefined
  return verb === 'POST' && path.fields.length === 0 && isWhole && method.methodKind === 'unary'
}

/** Makes the direct routes of these bindings, at the root and under the issuer's path. */
export function createDirectRoutes(
  context: GatewayContext,
  bindings: readonly RestBinding[],
  isDraining: () => boolean,
): DirectRoutes {
  const routes = new Map<string, DirectRoute>()
  for (const binding of bindings.filter(isDirect)) {
    const refusalOf = context.statusRefusals[methodName(binding.method)]
    const [read, write] = [compileRequestReader(binding), compileWriter(binding.method.output)]
    for (const prefix of new Set(['', context.basePath])) {
      const path = prefix + binding.path.route
      routes.set(path, { binding, rpc: `POST ${path}`, read, write, refusalOf })
    }
  }
  const common = securityHeaders(context.config.baseUrl).flat()
  const atEndOfTurn = createEndOfTurn()
  return (request, response) => {
    const route = request.method === 'POST' ? routes.get(pathOf(request.url ?? '/')) : undefined
    if (route === undefined) return false
    const caller = context.callerOf(request)
    const { requestId } = caller
    const head = ['x-request-id', requestId, ...common, ...(isDraining() ? CLOSE : NOTHING)]
    answer(context, route, caller, { request, response, head, atEndOfTurn }).catch((error: unknown) => {
      // Not even a refusal could be answered, so nothing more can be said on this connection.
      context.log.error({ requestId, error }, 'a request could not be answered')
      response.destroy()
    })
    return true
  }
}

/** A request and where its answer goes; `head` are the headers that every answer has, names and values in turn. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly head: readonly string[]
  readonly atEndOfTurn: AtEndOfTurn
}

async function answer(context: GatewayContext, route: DirectRoute, caller: Caller, exchange: Exchange): Promise<void> {
  const { rpc, config } = context
  const { headers } = exchange.request
  try {
    const body = await readBody(exchange.request, config.bodyLimit)
    let isRefusing = false
    const read = () => {
      isRefusing = route.refusalOf !== undefined && prefersRefusal(headers['prefer'])
      return route.read({}, queryOf(exchange.request.url ?? '/'), parseBody(headers, body))
    }
    const meta = { ...caller, authorization: headers.authorization, rpc: route.rpc }
    const output = await rpc.invoke(route.binding.method, read, meta)
    const { status, headers: told } = isRefusing
      ? preferred(route, output)
      : { status: route.binding.status, headers: [] }
    send(exchange, status, ['content-type', 'application/json', ...told], route.write(output))
  } catch (thrown) {
    await refuse(context, caller, exchange, thrown)
  }
}

/** Status and headers of an answer to a caller who prefers that a no is a refusal. */
function preferred({ refusalOf, binding }: DirectRoute, output: Message) {
  const refusal = refusalOf?.(output)
  const applied = ['preference-applied', PREFERENCE_APPLIED]
  if (refusal === undefined) return { status: binding.status, headers: applied }
  return { status: refusal.status, headers: [...applied, 'www-authenticate', refusal.challenge] }
}

async function refuse({ rpc }: GatewayContext, caller: Caller, exchange: Exchange, thrown: unknown): Promise<void> {
  const isUnread = thrown instanceof BodyTooLarge
  const found = isUnread ? new ApiError('BODY_TOO_LARGE') : toApiError(thrown)
  // What is no ApiError has not been before the chain, and goes there first.
  const error = thrown instanceof ApiError ? thrown : await rpc.refuse(found, caller)
  const problem = problemOf(error, caller.requestId, exchange.request.headers.authorization !== undefined)
  // The rest of the body would still come.
  send(
    exchange,
    problem.status,
    [...Object.entries(problem.headers).flat(), ...(isUnread ? CLOSE : NOTHING)],
    problem.body,
  )
}

/** Header block and body leave in one write, as long as both are text. */
function send(
  { response, head, atEndOfTurn }: Exchange,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  response.writeHead(status, [...head, ...headers, 'content-length', String(Buffer.byteLength(body))])
  atEndOfTurn(() => response.end(body))
}

class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

/** Reads a body. Throws BodyTooLarge. Where the caller goes before its end, whoever waits for it goes with the request. */
function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const tooLarge = () => {
    request.removeAllListeners('data')
    reject(new BodyTooLarge())
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    tooLarge()
    return promise
  }
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) tooLarge()
  })
  request.on('end', () => resolve(chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? NO_BODY)))
  return promise
}
