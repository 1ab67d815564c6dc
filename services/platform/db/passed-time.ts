import type pg from 'pg'
import type { Logger } from '../log/log.ts'
import { DATABASE_CLOCK_MS } from './clock-guard.ts'

/** The clocks of this process, in milliseconds. */
interface Clocks {
  /** A clock that is never set. It may stop while the machine sleeps. */
  monotonic(): number
  /** Unix time. It may be set. */
  wall(): number
}

/** One reading of all clocks, in milliseconds. */
export interface Reading {
  readonly databaseMs: number
  readonly monotonicMs: number
  readonly wallMs: number
}

/**
 * The result of a series of readings: a moment that has certainly passed (whole Unix milliseconds), or the reason why
 * no moment is certain.
 */
export type Judgement =
  | { readonly kind: 'passed'; readonly ms: number }
  | { readonly kind: 'early' }
  /** How far the database's clock is ahead of the time that the monotonic clock gives. */
  | { readonly kind: 'jumped'; readonly byMs: number }

/** Shortest time between two readings that can confirm each other, in milliseconds. */
export const INTERVAL_MS = 5_000
/**
 * Two readings agree if the database's clock and the monotonic clock have advanced by the same time between them, up
 * to this difference in milliseconds.
 */
const TOLERANCE_MS = 2_000
/** How long the database's clock must run evenly after it was set until it is trusted again, in milliseconds. */
export const SETTLED_MS = 3_600_000

/**
 * Returns a function that judges readings. A moment has passed only when three clocks have reached it: the database's
 * clock, an earlier reading plus the elapsed monotonic time, and the wall clock. A database clock that was set is
 * trusted again after it has run evenly for one hour.
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
      // The monotonic clock has fractions, but ids and timestamps that are made of the moment have none.
      return { kind: 'passed', ms: Math.floor(Math.min(databaseMs, reading.wallMs)) }
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

/** Determines which time has certainly passed. */
export interface PassedTime {
  /**
   * Returns a moment that has passed by all clocks, in whole Unix milliseconds. Undefined while the clocks do not
   * agree.
   */
  read(): Promise<number | undefined>
}

/** Longest time of a statement whose reading is still precise enough, in milliseconds. */
const PRECISE_MS = 1_000

/** Creates a PassedTime that reads the database's clock and the clocks of this process. */
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
        log.warn({ byMs: Math.round(judgement.byMs) }, "the database's clock was set, so expired rows are not removed")
      }
      return undefined
    },
  }
}
