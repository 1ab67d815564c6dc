import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type {
  RevocationService,
  WatchRevocationsRequest,
  WatchRevocationsResponseSchema,
} from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { StreamHandler } from '../calls/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Feed, Reading, Watcher } from './feed.ts'
import { toPosition, toRecord } from './messages.ts'
import type { Pace } from './pace.ts'
import type { LogHead } from './ports.ts'

/** The position of a watcher. Its hash is undefined before the first record, unless the request contained the hash. */
interface Place {
  /** The epoch of the log. The last record may have an older epoch, because it keeps the epoch of its commit. */
  readonly logEpoch: number
  readonly sequence: number
  /** Hexadecimal. */
  readonly hash: string | undefined
}

type Event = MessageInitShape<typeof WatchRevocationsResponseSchema>

const HASH_BYTES = 32

/** Creates the handler of WatchRevocations. It throws INVALID_ARGUMENT, RESYNC_REQUIRED or UNAVAILABLE. */
export function createWatchRevocations(
  feed: Feed,
  pace: Pace,
): StreamHandler<(typeof RevocationService)['method']['watchRevocations']> {
  return async function* watch(request, { signal, principal }): AsyncGenerator<Event> {
    const from = parsePlace(request)
    const watcher = feed.open(signal)
    const caller = principal.kind === 'operator' ? principal.operatorId : principal.kind
    const paced = (records: number) => pace(caller, records, signal)
    try {
      yield* follow(watcher, from, { maxAgeMs: 2 * feed.times.heartbeatMs, untilHead: request.untilHead, paced })
    } finally {
      watcher.close()
    }
  }
}

interface Following {
  /** How old a head may be when it is sent, in milliseconds. */
  readonly maxAgeMs: number
  /** Whether to end after the first head that was sent. */
  readonly untilHead: boolean
  /** Waits until so many records of the past may be sent. */
  readonly paced: (records: number) => Promise<void>
}

async function* follow(watcher: Watcher, from: Place | undefined, following: Following): AsyncGenerator<Event> {
  const { maxAgeMs, untilHead, paced } = following
  let place = from
  let beat = -1
  for (;;) {
    const reading = await watcher.next()
    if (reading === undefined) return
    const { head } = reading
    place ??= { logEpoch: head.logEpoch, sequence: head.compactedThrough, hash: undefined }
    if (!isWithin(place, head)) throw resync()
    while (place.sequence < head.sequence) {
      const records = await watcher.records(place.sequence, head.sequence)
      if (records.length === 0) throw resync()
      // Every record after the first head is new, so nobody can ask for many of them.
      if (beat === -1) await paced(records.length)
      for (const record of records) {
        if (!follows(place, record)) throw resync()
        place = { logEpoch: place.logEpoch, sequence: record.sequence, hash: record.hash }
        yield { event: { case: 'record', value: toRecord(record) } }
      }
    }
    if (reading.beat === beat || !isFresh(reading, maxAgeMs)) continue
    beat = reading.beat
    const observedAt = timestampFromMs(Math.floor(Date.now() - (performance.now() - reading.at)))
    yield { event: { case: 'head', value: { position: toPosition(head), observedAt } } }
    if (untilHead) return
  }
}

function parsePlace({ afterSequence, logEpoch, hash }: WatchRevocationsRequest): Place | undefined {
  if (afterSequence === undefined) {
    if (logEpoch === 0 && hash.length === 0) return undefined
    throw new ApiError('INVALID_ARGUMENT', 'log_epoch and hash must be sent together with after_sequence')
  }
  if (logEpoch <= 0) throw new ApiError('INVALID_ARGUMENT', 'log_epoch must be 1 or more when after_sequence is sent')
  if (hash.length !== 0 && hash.length !== HASH_BYTES) throw new ApiError('INVALID_ARGUMENT', 'hash must be 32 bytes')
  const known = hash.length === 0 ? undefined : Buffer.from(hash).toString('hex')
  return { logEpoch, sequence: Number(afterSequence), hash: known }
}

/**
 * Returns whether the log with this head can continue from a place. The epoch must be the same, the next record must
 * not be compacted, and the place must not be beyond the head.
 */
function isWithin({ logEpoch, sequence, hash }: Place, head: LogHead): boolean {
  if (logEpoch !== head.logEpoch || sequence > head.sequence || sequence < head.compactedThrough) return false
  return sequence < head.sequence || hash === undefined || hash === head.hash
}

function follows({ logEpoch, sequence, hash }: Place, record: RevocationRecord): boolean {
  if (record.sequence !== sequence + 1 || record.logEpoch > logEpoch) return false
  return hash === undefined || record.previousHash === hash
}

function isFresh({ at }: Reading, maxAgeMs: number): boolean {
  return performance.now() - at <= maxAgeMs
}

function resync(): ApiError {
  return new ApiError('RESYNC_REQUIRED')
}
