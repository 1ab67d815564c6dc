import type pg from 'pg'
import type { Logger } from '../log/log.ts'

/** The clocks of this process, in milliseconds. */
interface Clocks {
  /** A clock that is never set. It may stop while the machine sleeps. */
  monotonic(): number
  /** Unix time. It may be set. */
  wall(): number
}

interface ClockGuardOptions {
  readonly clocks: Clocks
  /** How far the wall clock may differ from the database's clock, in milliseconds. */
  readonly toleranceMs: number
  readonly log: Pick<Logger, 'warn' | 'info'>
}

/** Checks that this process's wall clock agrees with the database's clock. */
export interface ClockGuard {
  /** Returns monotonic milliseconds. Call it before a statement that reads the database's clock. */
  monotonic(): number
  /** Records a reading of the database's clock, in Unix milliseconds, by a statement sent at `sentMs` (monotonic). */
  saw(databaseMs: number, sentMs: number): void
  /** Returns how the wall clock is wrong now. Returns undefined if it agrees, or if there is no reading yet. */
  problem(): string | undefined
}

/** Smallest tolerance in milliseconds, because answers and tokens contain whole seconds. */
const LEAST_TOLERANCE_MS = 1_000

/** SQL expression of the database's clock in Unix milliseconds at the moment of its evaluation. */
export const DATABASE_CLOCK_MS = '(extract(epoch FROM clock_timestamp()) * 1000)::float8'

/**
 * Creates a guard. Each reading gives the bounds of how far the database's clock is ahead of the monotonic clock.
 * Between readings, the guard derives the database's time from the monotonic clock, so it notices at once when the
 * wall clock is set. After a slow statement the bounds are too wide to show an error, and the guard reports none.
 */
export function createClockGuard({ clocks, toleranceMs, log }: ClockGuardOptions): ClockGuard {
  const tolerance = Math.max(toleranceMs, LEAST_TOLERANCE_MS)
  /** How far the database's clock is ahead of the monotonic clock, at least and at most. */
  let ahead: { readonly least: number; readonly most: number } | undefined
  let wasWrong = false
  const offsetMs = (): number => {
    if (ahead === undefined) return 0
    const own = clocks.wall() - clocks.monotonic()
    if (own > ahead.most) return own - ahead.most
    return Math.min(own - ahead.least, 0)
  }
  return {
    monotonic: () => clocks.monotonic(),
    saw(databaseMs, sentMs) {
      ahead = { least: databaseMs - clocks.monotonic(), most: databaseMs - sentMs }
    },
    problem() {
      const offset = offsetMs()
      const isWrong = Math.abs(offset) > tolerance
      if (isWrong !== wasWrong) {
        wasWrong = isWrong
        if (isWrong) log.warn({ offsetMs: Math.round(offset), toleranceMs: tolerance }, 'the clock is wrong')
        else log.info({}, 'the clock agrees with the database again')
      }
      if (!isWrong) return undefined
      const seconds = Math.round(Math.abs(offset) / 1000)
      return `The server's clock is ${seconds} s ${offset > 0 ? 'ahead of' : 'behind'} the database's`
    },
  }
}

/** Reads the database's clock once. */
export async function readClock(pool: pg.Pool, guard: ClockGuard): Promise<void> {
  const sent = guard.monotonic()
  const { rows } = await pool.query<{ now: number }>(`SELECT ${DATABASE_CLOCK_MS} AS now`)
  const [row] = rows
  if (row !== undefined) guard.saw(row.now, sent)
}
