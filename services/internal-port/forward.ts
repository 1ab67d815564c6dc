import { type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf'
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt'
import { http } from '../../gen/proto/google/api/annotations_pb.ts'
import type { Forward, Meta } from '../calls/rpc.ts'
import type { Channel } from './channel.ts'
import { writeBody } from './forwarded-body.ts'
import { writeMeta } from './forwarded-meta.ts'
import { callStream, callUnary } from './transport.ts'

/** The default timeout of a stream, in milliseconds. The answering process ends every stream earlier. */
const STREAM_TIMEOUT_MS = 60 * 60_000

/** Forwards calls of these services over a channel to a process that serves them. */
export function createForward(services: readonly DescService[], channel: Channel, defaultTimeoutMs: number): Forward {
  return {
    services,
    unary: (method, request, meta) =>
      callUnary(channel, method, request, {
        ...withBody(meta),
        timeoutMs: meta.timeoutMs ?? defaultTimeoutMs,
      }),
    stream: (method, request, meta, signal) =>
      callStream(channel, method, request, {
        ...withBody(meta),
        timeoutMs: meta.timeoutMs ?? STREAM_TIMEOUT_MS,
        signal,
      }),
  }
}

function withBody(meta: Meta) {
  const metadata = writeMeta(meta)
  return { metadata, prefix: writeBody(metadata, meta), span: meta.span }
}

/** Returns whether a public method only reads, according to its proto file, so that a call may be sent again. */
export function isRead(method: DescMethod): boolean {
  if (method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return true
  return hasOption(method, http) && getOption(method, http).pattern.case === 'get'
}
