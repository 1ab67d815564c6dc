import { create, type DescMethod, fromBinary, type Message, type MessageShape, toBinary } from '@bufbuild/protobuf'
import type { Transport } from '@connectrpc/connect'
import { type CallOptions, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { ApiError } from '../../errors/api-error.ts'
import { fromGrpcStatus } from '../../errors/from-grpc-status.ts'
import { methodName } from '../method-name.ts'
import { requestId } from '../request-id.ts'
import type { Channel } from './channel.ts'
import { callMetadata } from './forwarded-meta.ts'
import { currentRequestId } from './request-scope.ts'

/** What goes with a call beside its message. */
interface CallSettings {
  readonly metadata: Metadata
  /** Every call has one. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Calls a method. Throws the ApiError that the other process threw, or one of what came between. */
export async function callUnary(
  channel: Channel,
  method: DescMethod,
  request: Message,
  settings: CallSettings,
): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>()
  using taken = channel.take()
  const call = taken.client.makeUnaryRequest(
    `/${methodName(method)}`,
    (message: Message) => Buffer.from(toBinary(method.input, message)),
    (bytes: Buffer) => fromBinary(method.output, bytes),
    request,
    settings.metadata,
    deadlineOf(settings),
    (error, message) => (message === undefined ? reject(toError(channel, error)) : resolve(message)),
  )
  const cancel = (): void => call.cancel()
  settings.signal?.addEventListener('abort', cancel, { once: true })
  return await promise.finally(() => settings.signal?.removeEventListener('abort', cancel))
}

/**
 * Calls a method that answers a stream; messages are taken from the connection as they are asked for. Ends when the signal
 * aborts. Throws as `callUnary` does.
 */
export async function* callStream(
  channel: Channel,
  method: DescMethod,
  request: Message,
  settings: CallSettings,
): AsyncGenerator<Message> {
  const { signal } = settings
  if (signal?.aborted) return
  using taken = channel.take()
  const call = taken.client.makeServerStreamRequest(
    `/${methodName(method)}`,
    (message: Message) => Buffer.from(toBinary(method.input, message)),
    (bytes: Buffer) => fromBinary(method.output, bytes),
    request,
    settings.metadata,
    deadlineOf(settings),
  )
  // What comes after nobody listens any more is not to end the process.
  call.on('error', () => undefined)
  const cancel = (): void => call.cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    yield* call as AsyncIterable<Message>
  } catch (error) {
    if (!signal?.aborted) throw toError(channel, error as ServiceError)
  } finally {
    signal?.removeEventListener('abort', cancel)
    call.cancel()
  }
}

/** A transport for Connect's typed clients of the services that only other services call. */
export function createTransport(channel: Channel, defaultTimeoutMs: number): Transport {
  return {
    async unary(method, signal, timeoutMs = defaultTimeoutMs, _header, input) {
      const message = await callUnary(channel, method, create(method.input, input), {
        metadata: callMetadata(requestId(currentRequestId())),
        timeoutMs,
        signal,
      })
      return {
        stream: false,
        service: method.parent,
        method,
        header: new Headers(),
        trailer: new Headers(),
        message: message as MessageShape<typeof method.output>,
      }
    },
    stream() {
      throw new Error('internal services have no streams')
    },
  }
}

function deadlineOf({ timeoutMs }: CallSettings): CallOptions {
  return { deadline: Date.now() + timeoutMs }
}

function toError(channel: Channel, error: ServiceError | null): ApiError {
  if (error === null) return new ApiError('INTERNAL', undefined, { cause: 'an answer without a message' })
  // A deadline that passed while there was no connection tells of the connection.
  const isLost = error.code === status.DEADLINE_EXCEEDED && !channel.isConnected()
  if (!isLost) return fromGrpcStatus(error)
  return fromGrpcStatus({ code: status.UNAVAILABLE, details: error.details, metadata: new Metadata() })
}
