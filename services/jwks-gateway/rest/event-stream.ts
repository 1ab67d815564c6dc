import type { ServerResponse } from 'node:http'
import type { Message } from '@bufbuild/protobuf'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { drained } from '../../platform/drained.ts'
import { toApiError } from '../../platform/errors/api-error.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { pathOf, queryOf } from '../well-known/links.ts'
import { compileEventWriter, compileLastEventIdReader, type EventWriter, errorEvent } from './event-format.ts'
import { compileRequestReader } from './request-reader.ts'
import type { RestBinding } from './rest-bindings.ts'
import { unlessStalled } from './unless-stalled.ts'

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // Proxies of nginx's kind would hold events back.
  'x-accel-buffering': 'no',
} as const

/** How long a client waits before it connects again, in milliseconds. */
const RETRY_MS = 1000

/**
 * Makes the handler of a method that answers a stream: server-sent events. What fails before the first one is answered as any
 * request is. Throws Error when the contract does not say how the messages are events.
 */
export function eventStreamHandler(context: GatewayContext, binding: RestBinding) {
  const { method, verb } = binding
  if (verb !== 'GET') throw new Error(`${method.toString()} answers a stream and is not bound to GET`)
  const read = compileRequestReader(binding)
  const readLastEventId = compileLastEventIdReader(method)
  const write = compileEventWriter(method.output)
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { raw } = reply
    const url = request.raw.url ?? '/'
    const message = (): Message => {
      const input = read(request.params as Record<string, string>, queryOf(url), undefined)
      const lastEventId = request.headers['last-event-id']
      if (typeof lastEventId === 'string' && lastEventId !== '') readLastEventId(input, lastEventId)
      return input
    }
    const caller = context.callerOf(request.raw)
    const meta = { ...caller, authorization: request.headers.authorization, rpc: `${request.method} ${pathOf(url)}` }
    const stream = context.rpc.subscribe(method, message, meta, untilGone(raw, context.closing))
    const messages = unlessStalled(stream, context.config.maxStallMs, () => raw.destroy())
    const first = await messages.next()
    reply.hijack()
    raw.writeHead(200, HEADERS)
    if (request.method === 'HEAD') await messages.return(undefined)
    else await send(raw, messages, first, write, caller.requestId)
    raw.end()
  }
}

function untilGone(raw: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController()
  const end = (): void => gone.abort()
  raw.once('close', end)
  // Writing to a caller who has gone is no fault.
  raw.on('error', end)
  return AbortSignal.any([closing, gone.signal])
}

async function send(
  raw: ServerResponse,
  messages: AsyncGenerator<Message>,
  first: IteratorResult<Message>,
  write: EventWriter,
  requestId: string,
): Promise<void> {
  raw.write(`retry: ${RETRY_MS}\n\n`)
  try {
    for (let next = first; next.done !== true; next = await messages.next()) {
      if (!raw.write(write(next.value))) await drained(raw)
    }
  } catch (error) {
    raw.write(errorEvent(toApiError(error), requestId))
  }
}
