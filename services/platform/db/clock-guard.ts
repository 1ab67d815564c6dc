import type pg from 'pg'
import type { Logger } from '../log/log.ts'

/** The clocks of this process, in milliseconds. */
interface Clocks {
  /** Never set; may stop while the machine sleeps. */
  monotonic(): number
  /** Unix time; may be set. */
  wall(): number
}

interface ClockGuardOptions {
  readonly clocks: Clocks
  /** Milliseconds by which the wall clock may differ from the database's. */
  readonly toleranceMs: number
  readonly log: Pick<Logger, 'warn' | 'info'>
}

/** Knows whether this process's wall clock agrees with the database's. */
export interface ClockGuard {
  /** Milliseconds of the monotonic clock, to take before a statement that reads the database's clock. */
  monotonic(): number
  /** Takes a reading: the database's clock in Unix milliseconds, by a statement that was sent at `sentMs` (monotonic). */
  saw(databaseMs: number, sentMs: number): void
  /** What is wrong with the clock now, or undefined. Before the first reading nothing is known to be wrong. */
  problem(): string | undefined
}

/** Answers and tokens count whole seconds, so clocks cannot agree better than this, in milliseconds. */
const LEAST_TOLERANCE_MS = 1_000

/** An SQL expression: the database's clock in Unix milliseconds, at the moment when it is evaluated. */
export const DATABASE_CLOCK_MS = '(extract(epoch FROM clock_timestamp()) * 1000)::float8'

/**
 * Makes a guard. A reading says within which bounds the database's clock is ahead of the monotonic one; between readings the
 * monotonic clock tells what the database's shows, so a wall clock that is set is noticed at the next question. Bounds that are
 * too wide to tell, for a statement that took long, accuse nobody.
 */
export function createClockGuard({ clocks, toleranceMs, log }: ClockGuardOptions): ClockGuard {
  const tolerance = Math.max(toleranceMs, LEAST_TOLERANCE_MS)
  /** By how much the database's clock is ahead of the monotonic one, at least and at most. */
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
