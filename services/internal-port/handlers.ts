import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf'
import type { handleServerStreamingCall, handleUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js'
import {
  type Deadline,
  Metadata,
  type MethodDefinition,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js'
import { type HealthCheckRequest, Health as HealthService } from '../../gen/proto/health/v1/health_pb.ts'
import { methodName } from '../calls/method-name.ts'
import { type ObserverDeps, observe } from '../calls/observation.ts'
import type { Meta, Rpc } from '../calls/rpc.ts'
import { withDeadline } from '../calls/with-deadline.ts'
import type { Health } from '../grpc-port/health.ts'
import { drained } from '../platform/drained.ts'
import { toGrpcStatus } from '../platform/errors/grpc-status.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import type { Cause } from '../platform/trace/span.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import { readBody } from './forwarded-body.ts'
import { readMeta, readRequestId, readTrace } from './forwarded-meta.ts'

type Output = MessageInitShape<DescMethod['output']>
/** A call whose request is a message, or the bytes of a forwarded call. */
type UnaryCall<Request = Message> = ServerUnaryCall<Request, Message>
type StreamCall<Request = Message> = ServerWritableStream<Request, Message>
type Definition = MethodDefinition<Message, Message> | MethodDefinition<Buffer, Message>

/** A service in the form that grpc-js expects. */
export interface Mounted {
  readonly definition: Record<string, Definition>
  readonly implementation: UntypedServiceImplementation
}

/** An internal service, which only other processes of the deployment call. */
export interface InternalService<S extends DescService = DescService> {
  readonly service: S
  readonly handlers: InternalHandlers<S>
}

/** Dependencies of calls that the listener receives. */
export interface ReceiveDeps {
  /** Undefined while tracing is off. */
  readonly tracing: Tracing | undefined
}

/** Mounts an internal service. Each call gets a request id, a deadline and a log line. */
export function mountInternal(
  { service, handlers }: InternalService,
  deps: ObserverDeps & ReceiveDeps,
  deadlineMs: number,
): Mounted {
  const table = handlers as Readonly<Record<string, (request: Message, cause: Cause) => Promise<Output>>>
  return mount(service, (method) => {
    const handler = table[method.localName]
    if (handler === undefined) throw new Error(`${method.toString()} has no handler`)
    const answer: handleUnaryCall<Message, Message> = (call, respond) => {
      const cause = readCause(deps, call.metadata)
      const observation = observe(deps, method, { ...cause, source: call.getPeer() })
      const timeoutMs = Math.min(deadlineMs, timeLeft(call) ?? deadlineMs)
      withDeadline(timeoutMs, () => handler(call.request, cause))
        .then(
          (output) => respond(null, create(method.output, output)),
          (error: unknown) => respond(refusal(observation.failed(error))),
        )
        .finally(() => observation.ended())
    }
    return answer
  })
}

/**
 * Mounts a public service for gateways. The pipeline treats a call as if the caller were connected to this process.
 */
export function mountForwarded(service: DescService, rpc: Rpc, closing: AbortSignal, deps: ReceiveDeps): Mounted {
  return mount(
    service,
    (method) => (method.methodKind === 'unary' ? unary(rpc, method, deps) : stream(rpc, method, closing, deps)),
    forwardedDefinition,
  )
}

function unary(rpc: Rpc, method: DescMethod, deps: ReceiveDeps): handleUnaryCall<Buffer, Message> {
  return (call, respond) => {
    Promise.try(() => {
      const { read, meta } = receivedOf(deps, method, call)
      return rpc.invoke(method, read, meta)
    }).then(
      (message) => respond(null, message),
      (error: unknown) => respond(refusal(error)),
    )
  }
}

function stream(
  rpc: Rpc,
  method: DescMethod,
  closing: AbortSignal,
  deps: ReceiveDeps,
): handleServerStreamingCall<Buffer, Message> {
  return (call) =>
    void send(call, () => {
      const { read, meta } = receivedOf(deps, method, call)
      return rpc.subscribe(method, read, meta, signalOf(call, closing))
    })
}

/** Returns the parts of a forwarded call: the function that reads its message, and the facts about its request. */
function receivedOf(deps: ReceiveDeps, { input }: DescMethod, call: UnaryCall<Buffer> | StreamCall<Buffer>) {
  const { body, message } = readBody(call.metadata, call.request)
  const timeoutMs = timeLeft(call)
  const meta: Meta = {
    ...readMeta(call.metadata),
    ...readCause(deps, call.metadata),
    body,
    ...(timeoutMs !== undefined && { timeoutMs }),
  }
  return { read: () => fromBinary(input, message), meta }
}

/** Returns the request for which another process calls, in a span of this process. */
function readCause({ tracing }: ReceiveDeps, metadata: Metadata): Cause {
  const requestId = readRequestId(metadata)
  if (tracing === undefined) return { requestId }
  return { requestId, span: tracing.proceed(readTrace(metadata), '', { kind: 'server' }) }
}

/** Mounts grpc.health.v1. */
export function mountHealth(health: Health, closing: AbortSignal): Mounted {
  const watch: handleServerStreamingCall<Message, Message> = (call) =>
    void send(call, () => health.watch(call.request as HealthCheckRequest, signalOf(call, closing)))
  const handlers: Readonly<Record<string, UntypedServiceImplementation[string]>> = {
    check: answerWith((request) => health.check(request as HealthCheckRequest)),
    list: answerWith(() => health.list()),
    watch,
  }
  return mount(HealthService, ({ localName }) => {
    const handler = handlers[localName]
    if (handler === undefined) throw new Error(`The health service has no method ${localName}`)
    return handler
  })
}

function answerWith(answer: (request: Message) => Message): handleUnaryCall<Message, Message> {
  return (call, respond) =>
    void Promise.try(() => answer(call.request)).then(
      (message) => respond(null, message),
      (error: unknown) => respond(toGrpcStatus(error)),
    )
}

/** Returns a signal that aborts when the caller disconnects or the listener closes. */
function signalOf(call: StreamCall | StreamCall<Buffer>, closing: AbortSignal): AbortSignal {
  const gone = new AbortController()
  call.once('cancelled', () => gone.abort())
  return AbortSignal.any([closing, gone.signal])
}

/** Sends the messages no faster than the caller reads. */
async function send(call: StreamCall | StreamCall<Buffer>, open: () => AsyncIterable<Message>): Promise<void> {
  try {
    for await (const message of open()) {
      if (!call.write(message)) await drained(call)
    }
    call.end()
  } catch (error) {
    call.emit('error', refusal(error))
  }
}

function timeLeft(call: { getDeadline(): Deadline }): number | undefined {
  const deadline = Number(call.getDeadline())
  return Number.isFinite(deadline) ? Math.max(0, deadline - Date.now()) : undefined
}

/**
 * Returns the status of an error, with metadata that stops grpc-js from sending the call again: only calls that
 * reached no handler may be repeated (gRFC A6, pushback).
 */
function refusal(error: unknown) {
  const metadata = new Metadata()
  metadata.set('grpc-retry-pushback-ms', '-1')
  return toGrpcStatus(error, metadata)
}

function mount(
  service: DescService,
  handlerOf: (method: DescMethod) => UntypedServiceImplementation[string],
  definitionOf: (method: DescMethod) => Definition = messageDefinition,
): Mounted {
  return {
    definition: Object.fromEntries(service.methods.map((method) => [method.name, definitionOf(method)])),
    implementation: Object.fromEntries(service.methods.map((method) => [method.name, handlerOf(method)])),
  }
}

function messageDefinition(method: DescMethod): MethodDefinition<Message, Message> {
  return {
    path: `/${methodName(method)}`,
    requestStream: false,
    responseStream: method.methodKind === 'server_streaming',
    requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(method.output, message)),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  }
}

/** A definition that leaves the request as bytes, because they may begin with the body of the forwarded request. */
function forwardedDefinition(method: DescMethod): MethodDefinition<Buffer, Message> {
  return { ...messageDefinition(method), requestSerialize: unchanged, requestDeserialize: unchanged }
}

function unchanged(bytes: Buffer): Buffer {
  return bytes
}
