import { FeedError, type FeedEvent, notUnderstood, type RevocationFeed } from '@auth4agent/core/revocation/feed'
import { type LogPosition, REVOCATION_KINDS } from '@auth4agent/core/revocation/revocation-log'

/**
 * Numbers of `google.rpc.Code`. The server answers RESOURCE_EXHAUSTED for the reason RATE_LIMITED and
 * FAILED_PRECONDITION for the reason RESYNC_REQUIRED. It answers with the other two codes if it refuses the caller. If
 * FAILED_PRECONDITION has another reason, reading the log from its beginning does no harm.
 */
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8
const FAILED_PRECONDITION = 9
const UNAUTHENTICATED = 16

/** Seconds and nanoseconds, as generated code represents `google.protobuf.Timestamp`. */
interface Timestamp {
  readonly seconds: bigint
  readonly nanos: number
}

/** `auth4agent.v1.LogPosition`. */
interface Position {
  readonly logEpoch: number
  readonly sequence: bigint
  readonly hash: Uint8Array
}

/** `auth4agent.v1.WatchRevocationsResponse`, as protobuf-es generates it. */
interface WatchResponse {
  readonly event:
    | { readonly case: 'record'; readonly value: RecordMessage }
    | {
        readonly case: 'head'
        readonly value: { readonly position?: Position | undefined; readonly observedAt?: Timestamp | undefined }
      }
    | { readonly case: undefined; readonly value?: undefined }
}

interface RecordMessage {
  readonly position?: Position | undefined
  readonly previousHash: Uint8Array
  readonly kind: number
  readonly operatorId: string
  readonly subject: string
  readonly minimumEpoch: number
  readonly expiresAt?: Timestamp | undefined
  readonly recordedAt?: Timestamp | undefined
}

/**
 * The method of an `auth4agent.v1.RevocationService` client that the feed uses. Connect's `createClient` makes such a
 * client.
 */
export interface RevocationClient {
  watchRevocations(
    request: {
      readonly afterSequence?: bigint
      readonly logEpoch?: number
      readonly hash?: Uint8Array
      readonly untilHead?: boolean
    },
    options: { readonly signal: AbortSignal; readonly headers?: Readonly<Record<string, string>> },
  ): AsyncIterable<WatchResponse>
}

/**
 * Returns a feed of the revocation log over gRPC or Connect. `authorization` makes the `authorization` metadata of one
 * call. Without it, the client's own interceptors must add it.
 *
 * @example
 *
 * ```ts
 * import { createVerifier, grpcFeed } from '@auth4agent/verifier'
 * import { createClient } from '@connectrpc/connect'
 * import { createGrpcTransport } from '@connectrpc/connect-node'
 *
 * const transport = createGrpcTransport({ baseUrl: 'https://auth.example.com' })
 * const client = createClient(RevocationService, transport) // generated from revocation.proto
 * const rpc = 'auth4agent.v1.RevocationService/WatchRevocations'
 * const revocations = grpcFeed(client, async () => `Bearer ${await operator.assert(rpc)}`)
 * const verifier = createVerifier({ issuer, audience, operators, revocations })
 * ```
 */
export function grpcFeed(client: RevocationClient, authorization?: () => Promise<string>): RevocationFeed {
  return {
    async *open(from, signal, untilHead = false) {
      const headers = authorization === undefined ? {} : { headers: { authorization: await authorization() } }
      try {
        const request = { ...(from !== undefined && toRequest(from)), untilHead }
        const messages = client.watchRevocations(request, { signal, ...headers })
        for await (const message of messages) yield toFeedEvent(message)
      } catch (error) {
        if (error instanceof FeedError) throw error
        const code = codeOf(error)
        throw new FeedError('The gRPC feed of the revocation log has failed', {
          cause: error,
          mustBeginAgain: code === FAILED_PRECONDITION,
          isFull: code === RESOURCE_EXHAUSTED,
          isRefusal: code === PERMISSION_DENIED || code === UNAUTHENTICATED,
        })
      }
    },
  }
}

function toRequest({ logEpoch, sequence, hash }: LogPosition) {
  return { afterSequence: BigInt(sequence), logEpoch, hash: Uint8Array.from(Buffer.from(hash, 'hex')) }
}

function toFeedEvent({ event }: WatchResponse): FeedEvent {
  const position = toPosition(event.value?.position)
  if (event.case === 'head' && position !== undefined && event.value.observedAt !== undefined) {
    return { kind: 'head', position, observedAt: toMs(event.value.observedAt) }
  }
  if (event.case === 'record' && position !== undefined) {
    const { kind, operatorId, subject, minimumEpoch, previousHash, expiresAt, recordedAt } = event.value
    if (expiresAt !== undefined && recordedAt !== undefined) {
      const times = { expiresAt: toMs(expiresAt), recordedAt: toMs(recordedAt) }
      const known = { operatorId, subject, minimumEpoch, previousHash: toHex(previousHash), kind: toKind(kind) }
      return { kind: 'record', record: { ...position, ...known, ...times } }
    }
  }
  throw notUnderstood('The gRPC feed has sent an unknown event')
}

/** The kinds are numbered from 1, in the order of their names. */
function toKind(number: number): string {
  return REVOCATION_KINDS[number - 1] ?? 'unknown'
}

function toPosition(position: Position | undefined): LogPosition | undefined {
  if (position === undefined || position.sequence > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  const { logEpoch, sequence, hash } = position
  return { logEpoch, sequence: Number(sequence), hash: toHex(hash) }
}

function toMs({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1_000 + Math.round(nanos / 1_000_000)
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
