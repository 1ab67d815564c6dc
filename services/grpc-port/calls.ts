import { type DescMethod, type DescService, fromBinary, type Message, toBinary } from '@bufbuild/protobuf'
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { methodName } from '../chain/method-name.ts'
import { requestId } from '../chain/request-id.ts'
import type { Meta, Rpc } from '../chain/rpc.ts'
import type { SourceOf } from '../chain/source-of.ts'
import { drained } from '../platform/drained.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { toGrpcStatus } from '../platform/errors/grpc-status.ts'

/** What the calls of the gRPC port work with. */
export interface GrpcCallDeps {
  readonly rpc: Rpc
  readonly sourceOf: SourceOf
  /** Ends all streams. */
  readonly closing: AbortSignal
}

/** A request as it came off the wire. The chain has it parsed: grpc-js would call malformed bytes an internal error. */
type UnaryCall = ServerUnaryCall<Uint8Array, Message>
type StreamingCall = ServerWritableStream<Uint8Array, Message>

/** Names and values of a request's metadata. */
export const MAX_METADATA_BYTES = 16 * 1024

/** A service as grpc-js takes it. */
export function definition(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.name,
      {
        path: `/${methodName(method)}`,
        originalName: method.localName,
        requestStream: false,
        responseStream: isStream(method),
        requestSerialize: (message: Message) => Buffer.from(toBinary(method.input, message)),
        requestDeserialize: (bytes: Uint8Array) => bytes,
        responseSerialize: (message: Message) => Buffer.from(toBinary(method.output, message)),
        responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
      },
    ]),
  )
}

/** The methods of a service, each calling the chain. */
export function implementation(deps: GrpcCallDeps, service: DescService): UntypedServiceImplementation {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.name,
      isStream(method) ? streamHandler(deps, method) : unaryHandler(deps, method),
    ]),
  )
}

function isStream({ methodKind }: DescMethod): boolean {
  return methodKind === 'server_streaming'
}

function unaryHandler({ rpc, sourceOf }: GrpcCallDeps, method: DescMethod): handleUnaryCall<Uint8Array, Message> {
  const name = methodName(method)
  return (call, respond) => {
    const meta = metaOf(call, name, sourceOf)
    call.sendMetadata(headerOf(meta))
    rpc
      .invoke(method, () => read(method, call), meta)
      .then(
        (message) => respond(null, message),
        (error: unknown) => respond(toGrpcStatus(error)),
      )
  }
}

function streamHandler(deps: GrpcCallDeps, method: DescMethod): handleServerStreamingCall<Uint8Array, Message> {
  const { rpc, sourceOf, closing } = deps
  const name = methodName(method)
  return (call) => {
    const meta = metaOf(call, name, sourceOf)
    call.sendMetadata(headerOf(meta))
    const gone = new AbortController()
    call.once('cancelled', () => gone.abort())
    const signal = AbortSignal.any([closing, gone.signal])
    void send(
      call,
      rpc.subscribe(method, () => read(method, call), meta, signal),
    )
  }
}

/** Writes no more than the caller reads; one that reads nothing is cut by the limits of streams. */
async function send(call: StreamingCall, messages: AsyncIterable<Message>): Promise<void> {
  try {
    for await (const message of messages) {
      if (!call.write(message)) await drained(call)
    }
    call.end()
  } catch (error) {
    call.emit('error', toGrpcStatus(error))
  }
}

function headerOf({ requestId }: Meta): Metadata {
  const header = new Metadata()
  header.set('x-request-id', requestId)
  return header
}

/** Throws HEADERS_TOO_LARGE or INVALID_ARGUMENT. */
function read({ input }: DescMethod, { request, metadata }: UnaryCall | StreamingCall): Message {
  if (metadataSize(metadata) > MAX_METADATA_BYTES) throw new ApiError('HEADERS_TOO_LARGE')
  try {
    return fromBinary(input, request)
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', 'The message is malformed', { cause })
  }
}

function metaOf(call: UnaryCall | StreamingCall, rpc: string, sourceOf: SourceOf): Meta {
  const deadline = Number(call.getDeadline())
  return {
    requestId: requestId(textOf(call.metadata, 'x-request-id')),
    source: callSource(call.getPeer(), call.metadata, sourceOf),
    authorization: textOf(call.metadata, 'authorization'),
    rpc,
    ...(Number.isFinite(deadline) ? { timeoutMs: Math.max(0, deadline - Date.now()) } : {}),
  }
}

/** The address that a call comes from; grpc-js writes a peer as `address:port`, IPv6 with or without brackets. */
export function callSource(peer: string, metadata: Metadata, sourceOf: SourceOf): string {
  const address = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return sourceOf(address, metadata.get('x-forwarded-for').map(String))
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const [first] = metadata.get(key)
  return first?.toString()
}

function metadataSize(metadata: Metadata): number {
  let size = 0
  for (const [key, values] of Object.entries(metadata.toJSON())) {
    for (const value of values as (string | Buffer)[]) size += key.length + value.length
  }
  return size
}
