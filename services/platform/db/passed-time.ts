import type pg from 'pg'
import type { Logger } from '../log/log.ts'
import { DATABASE_CLOCK_MS } from './clock-guard.ts'

/** The clocks of this process, in milliseconds. */
interface Clocks {
  /** Never set; may stop while the machine sleeps. */
  monotonic(): number
  /** Unix time; may be set. */
  wall(): number
}

/** One look at all clocks, in milliseconds. */
export interface Reading {
  readonly databaseMs: number
  readonly monotonicMs: number
  readonly wallMs: number
}

/** What a series of readings says of a moment: that it has passed for certain (Unix milliseconds), or why nothing is certain. */
export type Judgement =
  | { readonly kind: 'passed'; readonly ms: number }
  | { readonly kind: 'early' }
  /** The database's clock is so much ahead of what the monotonic clock says. */
  | { readonly kind: 'jumped'; readonly byMs: number }

/** The least time between two readings that may confirm each other. */
export const INTERVAL_MS = 5_000
/** How far two readings may be apart, beyond the time between them, and still agree. */
const TOLERANCE_MS = 2_000
/** How long the clock must run evenly after it was set, until it is believed again. */
export const SETTLED_MS = 3_600_000

/**
 * Makes the judge of readings. Time has passed when the database's clock says so, when an earlier reading says so with the time
 * of the monotonic clock added, and when the wall clock says so. A clock that was set forward is not believed before it has run
 * evenly for an hour.
 */
export function createPassedTimeJudge(): (reading: Reading) => Judgement {
  let anchor: Reading | undefined
  let candidate: Reading | undefined
  return (reading) => {
    anchor ??= reading
    const elapsed = reading.monotonicMs - anchor.monotonicMs
    if (elapsed < INTERVAL_MS) return { kind: 'early' }
    const byMs = deviation(anchor, reading)
    if (Math.abs(byMs) <= TOLERANCE_MS) {
      const databaseMs = Math.min(reading.databaseMs, anchor.databaseMs + elapsed)
      anchor = { ...reading, databaseMs }
      candidate = undefined
      return { kind: 'passed', ms: Math.min(databaseMs, reading.wallMs) }
    }
    if (candidate === undefined || Math.abs(deviation(candidate, reading)) > TOLERANCE_MS) candidate = reading
    if (reading.monotonicMs - candidate.monotonicMs >= SETTLED_MS) {
      anchor = reading
      candidate = undefined
    }
    return { kind: 'jumped', byMs }
  }
}

function deviation(before: Reading, { databaseMs, monotonicMs }: Reading): number {
  return databaseMs - before.databaseMs - (monotonicMs - before.monotonicMs)
}

/** Tells which time has passed for certain. */
export interface PassedTime {
  /** Unix milliseconds of a moment that has passed by all clocks; undefined while they do not agree. */
  read(): Promise<number | undefined>
}

/** A statement that takes longer says too little about the moment at which the clock was read. */
const PRECISE_MS = 1_000

/** Makes the one for this process, over the database's clock and its own. */
export function createPassedTime(pool: pg.Pool, clocks: Clocks, log: Pick<Logger, 'warn'>): PassedTime {
  const judge = createPassedTimeJudge()
  return {
    async read() {
      const sentMs = clocks.monotonic()
      const { rows } = await pool.query<{ now: number }>(`SELECT ${DATABASE_CLOCK_MS} AS now`)
      const monotonicMs = clocks.monotonic()
      const [row] = rows
      if (row === undefined || monotonicMs - sentMs > PRECISE_MS) return undefined
      const judgement = judge({ databaseMs: row.now, monotonicMs, wallMs: clocks.wall() })
      if (judgement.kind === 'passed') return judgement.ms
      if (judgement.kind === 'jumped') {
        log.warn({ byMs: Math.round(judgement.byMs) }, "the database's clock was set: nothing that expires is removed")
      }
      return undefined
    },
  }
}
