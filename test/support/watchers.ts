import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type pg from 'pg'
import { onTestFinished } from 'vitest'
import {
  type RevocationRecord,
  WatchRevocationsRequestSchema,
  type WatchRevocationsResponse,
  WatchRevocationsResponseSchema,
} from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { createFeed, type FeedTimes } from '../../services/revocation/feed.ts'
import type { Pace } from '../../services/revocation/pace.ts'
import type { LogStore } from '../../services/revocation/ports.ts'
import { createWatchRevocations } from '../../services/revocation/watch.ts'

/** Options of watchersOf. */
interface WatchersOptions {
  readonly log: Pick<LogStore, 'tail' | 'recordsAfter'>
  readonly times?: FeedTimes
  /** Lets everybody read at once by default. */
  readonly pace?: Pace
}

const atOnce: Pace = async () => undefined

/** A request as a test writes it: a message with only some of its fields. */
export type WatchRequest = MessageInitShape<typeof WatchRevocationsRequestSchema>

/** Creates the watchers of a process. They send records only when the test notifies them, or at a heartbeat. */
export function watchersOf({ log, times = { heartbeatMs: 50, patienceMs: 10_000 }, pace = atOnce }: WatchersOptions) {
  const wakes: (() => void)[] = []
  const reads = { tails: 0, pages: [] as number[] }
  const feed = createFeed({
    store: {
      tail: (after) => {
        reads.tails += 1
        return log.tail(after)
      },
      recordsAfter: (after, limit) => {
        reads.pages.push(limit)
        return log.recordsAfter(after, limit)
      },
    },
    onWake: (listener) => void wakes.push(listener),
    feedTimes: times,
  })
  const handler = createWatchRevocations(feed, pace)
  const watch = (request: WatchRequest = {}) => {
    const over = new AbortController()
    onTestFinished(() => over.abort())
    const principal = { kind: 'anonymous' } as const
    const call = { requestId: 'r', principal, signal: over.signal }
    const events = handler(create(WatchRevocationsRequestSchema, request), call)[Symbol.asyncIterator]()
    const next = async (): Promise<WatchRevocationsResponse['event'] | undefined> => {
      const { value, done } = await events.next()
      return done === true ? undefined : create(WatchRevocationsResponseSchema, value).event
    }
    return {
      next,
      /** Reads all records up to the next head, and returns both. */
      untilHead: async () => {
        const records: RevocationRecord[] = []
        for (;;) {
          const event = await next()
          if (event?.case === 'head' && event.value.position !== undefined)
            return { records, head: event.value.position }
          if (event?.case !== 'record') throw new Error('The stream ended before its next head')
          records.push(event.value)
        }
      },
      end: () => over.abort(),
    }
  }
  return { feed, watch, reads, wake: () => wakes.forEach((wake) => wake()) }
}

/** Empties a log. */
export async function emptyLog(pool: pg.Pool): Promise<void> {
  await pool.query('DELETE FROM revocation_log')
  await pool.query(`UPDATE revocation_head SET log_epoch = 1, sequence = 0, hash = '\\x', compacted_through = 0`)
}

/** Revokes this many tokens of an operator in one commit. */
export async function revokeTokens(pool: pg.Pool, operatorId: string, count = 1): Promise<void> {
  await pool.query(
    `INSERT INTO revoked_tokens (operator_id, jti, expires_at)
     SELECT $1::uuid, gen_random_uuid()::text, now() + interval '1 hour' FROM generate_series(1, $2)`,
    [operatorId, count],
  )
}

/** Returns the sequences of records. */
export const sequences = (records: readonly RevocationRecord[]) =>
  records.map(({ position }) => Number(position?.sequence))

/** Returns the whole numbers of a range. */
export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
