import { type DescMethod, type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import { type CallOptions, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { methodName } from '../calls/method-name.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { fromGrpcStatus } from '../platform/errors/from-grpc-status.ts'
import { type InternalClient, internalClient } from '../platform/rpc/internal-client.ts'
import { type Span, traced } from '../platform/trace/span.ts'
import type { Channel } from './channel.ts'
import { callMetadata, writeTrace } from './forwarded-meta.ts'

/** The settings of a call. */
interface CallSettings {
  readonly metadata: Metadata
  /** Bytes to send before the message. */
  readonly prefix?: Uint8Array
  /** The time until the deadline of the call, in milliseconds. Every call has a deadline. */
  readonly timeoutMs: number
  /** The span of the call that needs this one. */
  readonly span: Span | undefined
}

/** Calls a method. Rejects with the ApiError that the other process threw, or with an ApiError of the transport. */
export function callUnary(
  channel: Channel,
  method: DescMethod,
  request: Message,
  settings: CallSettings,
): Promise<Message> {
  const send = (span = settings.span): Promise<Message> => {
    if (span !== undefined) writeTrace(settings.metadata, span.carrier)
    return sendUnary(channel, method, request, settings)
  }
  return traced(settings.span, `internal ${methodName(method)}`, send, { kind: 'client' })
}

async function sendUnary(
  channel: Channel,
  method: DescMethod,
  request: Message,
  settings: CallSettings,
): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>()
  using taken = channel.take()
  taken.client.makeUnaryRequest(
    `/${methodName(method)}`,
    (message: Message) => encode(method, message, settings),
    (bytes: Buffer) => fromBinary(method.output, bytes),
    request,
    settings.metadata,
    deadlineOf(settings),
    (error, message) => (message === undefined ? reject(toError(channel, error)) : resolve(message)),
  )
  return await promise
}

/**
 * Calls a method that returns a stream. Reads a message from the connection only when the reader asks for it. Ends
 * when the signal aborts. Throws as `callUnary` does.
 */
export async function* callStream(
  channel: Channel,
  method: DescMethod,
  request: Message,
  settings: CallSettings & { readonly signal: AbortSignal },
): AsyncGenerator<Message> {
  const { signal, span } = settings
  if (signal.aborted) return
  if (span !== undefined) writeTrace(settings.metadata, span.carrier)
  using taken = channel.take()
  const call = taken.client.makeServerStreamRequest(
    `/${methodName(method)}`,
    (message: Message) => encode(method, message, settings),
    (bytes: Buffer) => fromBinary(method.output, bytes),
    request,
    settings.metadata,
    deadlineOf(settings),
  )
  // An error that arrives after the reader has stopped must not end the process.
  call.on('error', () => undefined)
  const cancel = (): void => call.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    yield* call as AsyncIterable<Message>
  } catch (error) {
    if (!signal.aborted) throw toError(channel, error as ServiceError)
  } finally {
    signal.removeEventListener('abort', cancel)
    call.cancel()
  }
}

/** Makes a typed client of a service in another process. */
export function remoteClient<S extends DescService>(
  service: S,
  channel: Channel,
  timeoutMs: number,
): InternalClient<S> {
  return internalClient(service, (method, request, cause) =>
    callUnary(channel, method, request, { metadata: callMetadata(cause), timeoutMs, span: cause.span }),
  )
}

function encode({ input }: DescMethod, message: Message, { prefix }: CallSettings): Buffer {
  const bytes = toBinary(input, message)
  return prefix === undefined || prefix.length === 0 ? Buffer.from(bytes) : Buffer.concat([prefix, bytes])
}

function deadlineOf({ timeoutMs }: CallSettings): CallOptions {
  return { deadline: Date.now() + timeoutMs }
}

function toError(channel: Channel, error: ServiceError | null): ApiError {
  if (error === null) return new ApiError('INTERNAL', undefined, { cause: 'The answer has no message' })
  // If the deadline passed while there was no connection, the error is UNAVAILABLE instead of DEADLINE_EXCEEDED.
  const isLost = error.code === status.DEADLINE_EXCEEDED && !channel.isConnected()
  if (!isLost) return fromGrpcStatus(error)
  return fromGrpcStatus({ code: status.UNAVAILABLE, details: error.details, metadata: new Metadata() })
}
