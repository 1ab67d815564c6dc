import type { IncomingHttpHeaders } from 'node:http'
import { APPROVAL_HEADER } from '@auth4agent/core/identity/operator-approval'
import { createRegistry, type DescMethod, type Message } from '@bufbuild/protobuf'
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type MethodImpl,
} from '@connectrpc/connect'
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol'
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node'
import { sentApprovals } from '../../calls/approvals.ts'
import { methodName } from '../../calls/method-name.ts'
import { EMPTY_BODY, requestBody } from '../../calls/request-body.ts'
import { createPlaces, requestLimit } from '../../calls/request-limit.ts'
import type { Caller, Meta, Rpc } from '../../calls/rpc.ts'
import { sentProof } from '../../calls/sent-proof.ts'
import type { Exchange } from '../../http-port/exchange.ts'
import type { Mount } from '../../http-port/server.ts'
import { ApiError, toApiError } from '../../platform/errors/api-error.ts'
import { toConnectError } from '../../platform/errors/connect-error.ts'
import type { Bound } from '../../platform/limits/bound.ts'
import { sourceKey } from '../../platform/limits/source-key.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { unlessStalled } from '../rest/unless-stalled.ts'
import { answerEarly } from './answer-early.ts'
import { type FindMessage, refusal, refuseUnread } from './connect-refusals.ts'
import { compileBodyCheck } from './json-demands.ts'
import { sentMessage } from './sent-message.ts'

/** The data that a handler needs from the HTTP request of its call, and the data that it reports back. */
interface CallState {
  readonly caller: Caller
  /** Whether Connect could read the request and has called the handler. */
  isInvoked: boolean
  readonly response: Exchange['response'] | undefined
  readonly headers: IncomingHttpHeaders
  /** The parts of the body that Connect has read. */
  readonly chunks: Uint8Array[]
}

const UNKNOWN_PROCEDURE = new ApiError('ROUTE_NOT_FOUND', 'Unknown procedure')

const NO_PLACE = new ApiError('OVERLOADED', undefined, { retryAfter: 1 })

const UNKNOWN_QUERY = new ApiError('UNKNOWN_FIELD', 'A POST over Connect or gRPC-Web must have no query parameters')

const callState = createContextKey<CallState>({
  caller: { requestId: '', source: '' },
  isInvoked: false,
  response: undefined,
  headers: {},
  chunks: [],
})

/**
 * The longest timeouts in milliseconds that a caller may set, for unary calls and for streams. A stream may end by
 * itself before its timeout.
 */
const MAX_TIMEOUT_MS = 60_000
const MAX_STREAM_TIMEOUT_MS = 24 * 3_600_000

/** Makes the handler that serves all services over the Connect protocol and gRPC-Web (HTTP/1.1). */
export function createConnectHandler(context: GatewayContext): Mount['handle'] {
  const { rpc, config, log, closing } = context
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: config.bodyLimit,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    shutdownSignal: closing,
    acceptCompression: [compressionGzip, compressionBrotli],
    jsonOptions: { ignoreUnknownFields: false },
  })
  for (const method of rpc.services.flatMap(({ methods }) => methods)) addMethod(router, context, method)
  const registry = createRegistry(...rpc.services.map(({ file }) => file))
  const places = new Map(router.handlers.map(({ method }) => [method, createPlaces(method)]))
  const calls: Calls = { rpc, places, findMessage: (typeName) => registry.getMessage(typeName) }
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]))
  const answer = async (exchange: Exchange): Promise<UniversalServerResponse> => {
    const handler = handlers.get(exchange.path)
    if (handler !== undefined) return call(calls, handler, exchange)
    const error = await rpc.refuse(UNKNOWN_PROCEDURE, exchange.caller)
    return refusal(error, exchange.request.headers['content-type'])
  }
  return async (exchange) => {
    const { request, response } = exchange
    for (const [name, value] of Object.entries(exchange.headers)) response.setHeader(name, value)
    try {
      const answered = await answer(exchange)
      if (!request.complete) return await answerEarly(exchange, answered)
      await universalResponseToNodeResponse(answered, response)
      // Otherwise what Connect has not read would keep the next request of the connection from being read.
      if (!request.readableEnded) request.removeAllListeners('readable').resume()
    } catch (error) {
      // The caller disconnected, or the connection was closed during the answer. Nothing more can be sent on it.
      log.debug({ error }, 'a Connect answer could not be written')
      response.destroy()
    }
  }
}

/** The dependencies of every call. */
interface Calls {
  readonly rpc: Rpc
  readonly findMessage: FindMessage
  /** Bounds the open requests of some methods. */
  readonly places: ReadonlyMap<DescMethod, Bound | undefined>
}

async function call(
  { rpc, findMessage, places }: Calls,
  handler: UniversalHandler,
  { request, response, caller, query }: Exchange,
) {
  // Connect defines no query for POST. The caller may have meant it to restrict the call, so it must not be ignored.
  if (request.method === 'POST' && query !== '') {
    return refusal(await refuseRead(rpc, handler.method, UNKNOWN_QUERY, caller), request.headers['content-type'])
  }
  const bound = places.get(handler.method)
  const release = bound?.(sourceKey(caller.source))
  if (bound !== undefined && release === undefined) {
    return refusal(await refuseRead(rpc, handler.method, NO_PLACE, caller), request.headers['content-type'])
  }
  if (release !== undefined) response.once('close', release)
  const { headers } = request
  const state: CallState = { caller, isInvoked: false, response, headers, chunks: [] }
  const values = createContextValues().set(callState, state)
  const input = universalRequestFromNodeRequest(request, response, undefined, values)
  const output = await handler({ ...input, body: kept(input.body, state.chunks) })
  if (state.isInvoked) return output
  return refuseUnread(output, request.headers['content-type'], findMessage, (error) =>
    refuseRead(rpc, handler.method, error, caller),
  )
}

/**
 * Yields the parts of a body and adds them to `chunks`. Their size is bounded, because Connect stops at its limit. It
 * leaves the body open then: Node destroys the connection of a request with the iterator of its body, so a caller that
 * still sends would get no answer.
 */
async function* kept(body: UniversalServerRequest['body'], chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  if (!isAsyncIterable(body)) throw new TypeError('The body of a Node request must be a stream')
  const parts = body[Symbol.asyncIterator]()
  for (let part = await parts.next(); part.done !== true; part = await parts.next()) {
    chunks.push(part.value)
    yield part.value
  }
}

function isAsyncIterable(body: UniversalServerRequest['body']): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

/**
 * Passes a request that Connect could not read to the pipeline, which limits, logs and counts it. Resolves with the
 * error to answer with.
 */
async function refuseRead(rpc: Rpc, method: DescMethod, error: ApiError, caller: Caller): Promise<ApiError> {
  const meta = { ...caller, authorization: undefined, rpc: methodName(method), body: EMPTY_BODY }
  const read = (): never => {
    throw error
  }
  const begin = (): Promise<unknown> => {
    if (!isStream(method)) return rpc.invoke(method, read, meta)
    const stream = rpc.subscribe(method, read, meta, new AbortController().signal)
    return stream[Symbol.asyncIterator]().next()
  }
  try {
    await begin()
    return error
  } catch (thrown) {
    return toApiError(thrown)
  }
}

function isStream({ methodKind }: DescMethod): boolean {
  return methodKind === 'server_streaming'
}

function addMethod(router: ConnectRouter, { rpc, config }: GatewayContext, method: DescMethod): void {
  if (isStream(method)) {
    const handler = streamHandler(rpc, method, config) as MethodImpl<DescMethod>
    router.rpc(method, handler, { maxTimeoutMs: MAX_STREAM_TIMEOUT_MS })
  } else {
    const handler = unaryHandler(rpc, method, config.baseUrl) as MethodImpl<DescMethod>
    router.rpc(method, handler, { readMaxBytes: requestLimit(method, config.bodyLimit) })
  }
}

function unaryHandler(rpc: Rpc, method: DescMethod, baseUrl: string) {
  const checkBody = compileBodyCheck(method)
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    const state = begun(context)
    const read = () => {
      checkBody?.(state.headers, Buffer.concat(state.chunks))
      return request
    }
    try {
      return await rpc.invoke(method, read, metaOf(baseUrl, method, state, context))
    } catch (error) {
      throw toConnectError(error)
    }
  }
}

function streamHandler(rpc: Rpc, method: DescMethod, { baseUrl, maxStallMs }: GatewayContext['config']) {
  return async function* (request: Message, context: HandlerContext): AsyncGenerator<Message> {
    const state = begun(context)
    const { response } = state
    if (response === undefined) throw new Error('A call over Connect has a response')
    const messages = rpc.subscribe(method, () => request, metaOf(baseUrl, method, state, context), unlessLate(context))
    try {
      yield* unlessStalled(messages, maxStallMs, response)
    } catch (error) {
      throw toConnectError(error)
    }
  }
}

/**
 * Returns a signal that aborts when the call ends, but not when its deadline passes: the pipeline detects the deadline
 * itself and reports it.
 */
function unlessLate({ signal }: HandlerContext): AbortSignal {
  const gone = new AbortController()
  const end = (): void => {
    if (ConnectError.from(signal.reason).code !== Code.DeadlineExceeded) gone.abort()
  }
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  return gone.signal
}

function begun({ values }: HandlerContext): CallState {
  const state = values.get(callState)
  state.isInvoked = true
  return state
}

function metaOf(
  baseUrl: string,
  method: DescMethod,
  { caller, headers, chunks }: CallState,
  context: HandlerContext,
): Meta {
  const timeoutMs = context.timeoutMs()
  const rpc = methodName(method)
  return {
    ...caller,
    ...sentApprovals(context.requestHeader.get(APPROVAL_HEADER)),
    ...sentProof(context.requestHeader.get('dpop'), context.requestMethod, `${baseUrl}/${rpc}`),
    authorization: context.requestHeader.get('authorization') ?? undefined,
    rpc,
    body: requestBody(() => sentMessage(headers, Buffer.concat(chunks))),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
}
