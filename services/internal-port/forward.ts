import { type DescMethod, type DescService, getOption, hasOption } from '@bufbuild/protobuf'
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt'
import { http } from '../../gen/proto/google/api/annotations_pb.ts'
import type { Forward } from '../chain/rpc.ts'
import type { Channel } from './channel.ts'
import { writeMeta } from './forwarded-meta.ts'
import { callStream, callUnary } from './transport.ts'

/** What a stream lasts at most, in milliseconds: longer than the process that answers it lets it. */
const STREAM_TIMEOUT_MS = 60 * 60_000

/** Forwards calls of these services to the process at the other end of the channel, which must be of their owner. */
export function createForward(services: readonly DescService[], channel: Channel, defaultTimeoutMs: number): Forward {
  return {
    services,
    unary: (method, request, meta) =>
      callUnary(channel, method, request, {
        metadata: writeMeta(meta),
        timeoutMs: meta.timeoutMs ?? defaultTimeoutMs,
      }),
    stream: (method, request, meta, signal) =>
      callStream(channel, method, request, {
        metadata: writeMeta(meta),
        timeoutMs: meta.timeoutMs ?? STREAM_TIMEOUT_MS,
        signal,
      }),
  }
}

/** Whether a public method only reads, by its contract: then its call may be sent again. */
export function isRead(method: DescMethod): boolean {
  if (method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return true
  return hasOption(method, http) && getOption(method, http).pattern.case === 'get'
}
