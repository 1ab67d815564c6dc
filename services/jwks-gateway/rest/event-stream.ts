import type { ServerResponse } from 'node:http'
import type { Message } from '@bufbuild/protobuf'
import { EMPTY_BODY } from '../../calls/request-body.ts'
import { signableRequest } from '../../calls/request-signature/signable-request.ts'
import type { Exchange, Params } from '../../http-port/exchange.ts'
import { drained } from '../../platform/drained.ts'
import { toApiError } from '../../platform/errors/api-error.ts'
import { type GatewayContext, publicUrl } from '../gateway-context.ts'
import { compileEventWriter, compileLastEventIdReader, type EventWriter, errorEvent } from './event-format.ts'
import { compileRequestReader } from './request-reader.ts'
import type { RestBinding } from './rest-bindings.ts'
import { unlessStalled } from './unless-stalled.ts'

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // Otherwise nginx and similar proxies would buffer the events.
  'x-accel-buffering': 'no',
} as const

/** How long a client waits before it connects again, in milliseconds. */
const RETRY_MS = 1000

/**
 * Makes the handler that sends the messages of a stream as server-sent events. An error before the first event is
 * answered like an error of any other request. Throws Error if the proto file does not define how to send the messages
 * as events.
 */
export function eventStreamHandler(context: GatewayContext, binding: RestBinding) {
  const { method, verb } = binding
  if (verb !== 'GET') throw new Error(`${method.toString()} returns a stream and must be bound to GET`)
  const read = compileRequestReader(binding)
  const readLastEventId = compileLastEventIdReader(method)
  const write = compileEventWriter(method.output)
  return async (exchange: Exchange, params: Params): Promise<undefined> => {
    const { request, response, caller, path, query } = exchange
    const message = (): Message => {
      const input = read(params, query, undefined)
      const lastEventId = request.headers['last-event-id']
      if (typeof lastEventId === 'string' && lastEventId !== '') readLastEventId(input, lastEventId)
      return input
    }
    const meta = {
      ...caller,
      ...signableRequest(request, publicUrl(context, path), query),
      authorization: request.headers.authorization,
      rpc: `${request.method} ${path}`,
      body: EMPTY_BODY,
    }
    const stream = context.rpc.subscribe(method, message, meta, untilGone(response, context.closing))
    const messages = unlessStalled(stream, context.config.maxStallMs, response)
    const first = await messages.next()
    response.writeHead(200, { ...exchange.headers, ...HEADERS })
    if (request.method === 'HEAD') await messages.return(undefined)
    else await send(response, messages, first, write, caller.requestId)
    response.end()
    return undefined
  }
}

function untilGone(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController()
  const end = (): void => gone.abort()
  response.once('close', end)
  // A caller may disconnect while the gateway writes. This is not an error of the gateway.
  response.on('error', end)
  return AbortSignal.any([closing, gone.signal])
}

async function send(
  response: ServerResponse,
  messages: AsyncGenerator<Message>,
  first: IteratorResult<Message>,
  write: EventWriter,
  requestId: string,
): Promise<void> {
  response.write(`retry: ${RETRY_MS}\n\n`)
  try {
    for (let next = first; next.done !== true; next = await messages.next()) {
      if (!response.write(write(next.value))) await drained(response)
    }
  } catch (error) {
    response.write(errorEvent(toApiError(error), requestId))
  }
}
