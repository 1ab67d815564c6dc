import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DescMethod, DescService, Message } from '@bufbuild/protobuf'
import {
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect'
import type { UniversalHandler } from '@connectrpc/connect/protocol'
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node'
import { ApiError, toApiError } from '../shared/errors/api-error.ts'
import { toConnectError } from '../shared/errors/connect-error.ts'
import { methodName } from '../shared/rpc/method-name.ts'
import type { Caller, Rpc } from '../shared/rpc/rpc.ts'
import { refusal, refuseUnread } from './connect-refusals.ts'
import type { GatewayContext } from './gateway-context.ts'
import { pathOf } from './links.ts'

/** Answers a request of Connect or gRPC-Web. */
export type ConnectListener = (request: IncomingMessage, response: ServerResponse) => void

/** What the handler of a call knows of its HTTP request, and tells it. */
interface CallState {
  readonly caller: Caller
  /** Whether the request could be read and has reached its handler. */
  isInvoked: boolean
}

const UNKNOWN_PROCEDURE = new ApiError('ROUTE_NOT_FOUND', 'There is no such procedure')

const callState = createContextKey<CallState>({ caller: { requestId: '', source: '' }, isInvoked: false })

/** Longest deadline that a caller may ask for, in milliseconds. */
const MAX_TIMEOUT_MS = 60_000

/** Tells whether a path is one of Connect's: `/package.Service/Method` in a package of the services. */
export function connectPathTest(services: readonly DescService[]): (url: string) => boolean {
  const prefixes = [...new Set(services.map(({ file }) => `/${file.proto.package}.`))]
  return (url) => prefixes.some((prefix) => url.startsWith(prefix))
}

/** Makes the listener that offers all services over the Connect protocol and gRPC-Web (HTTP/1.1). */
export function createConnectListener({ rpc, config, log, callerOf }: GatewayContext): ConnectListener {
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: config.bodyLimit,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    acceptCompression: [compressionGzip, compressionBrotli],
  })
  for (const service of rpc.services) addService(router, rpc, service)
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const handler = handlers.get(pathOf(request.url ?? '/'))
    const caller = callerOf(request)
    const output =
      handler === undefined
        ? refusal(await rpc.refuse(UNKNOWN_PROCEDURE, caller), request.headers['content-type'])
        : await call(rpc, handler, request, response, caller)
    await universalResponseToNodeResponse(output, response)
  }
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      // The caller has gone, or the answer was cut while it was written: nothing more can be said on this connection.
      log.debug({ error }, 'a Connect answer could not be written')
      response.destroy()
    })
  }
}

async function call(
  rpc: Rpc,
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
) {
  const state: CallState = { caller, isInvoked: false }
  const values = createContextValues().set(callState, state)
  const output = await handler(universalRequestFromNodeRequest(request, response, undefined, values))
  if (state.isInvoked) return output
  const { method } = handler
  const meta = { ...caller, authorization: undefined, rpc: methodName(method) }
  return refuseUnread(output, request.headers['content-type'], (error) => {
    const read = () => {
      throw error
    }
    return rpc.invoke(method, read, meta).then(() => error, toApiError)
  })
}

function addService(router: ConnectRouter, rpc: Rpc, service: DescService): void {
  const methods = service.methods.map((method) => [method.localName, unaryHandler(rpc, method)])
  router.service(service, Object.fromEntries(methods))
}

function unaryHandler(rpc: Rpc, method: DescMethod) {
  const name = methodName(method)
  return async (request: Message, context: HandlerContext): Promise<Message> => {
    const state = context.values.get(callState)
    state.isInvoked = true
    const timeoutMs = context.timeoutMs()
    try {
      return await rpc.invoke(method, () => request, {
        ...state.caller,
        authorization: context.requestHeader.get('authorization') ?? undefined,
        rpc: name,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      })
    } catch (error) {
      throw toConnectError(error)
    }
  }
}
