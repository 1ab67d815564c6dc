import { setTimeout as delay } from 'node:timers/promises'
import { createLimiter, type Rate } from '../platform/limits/limits.ts'

/** Waits until a caller may get this many more records. Returns at once when the signal has aborted. */
export type Pace = (caller: string, records: number, signal: AbortSignal) => Promise<void>

/**
 * Creates the pace of watchers that read what they have missed. They wait instead of being refused, because a verifier
 * with an incomplete log must refuse every token.
 * @param now monotonic milliseconds
 */
export function createPace(rate: Rate, now: () => number = () => performance.now()): Pace {
  const waitFor = createLimiter<'replay'>(now)
  return async (caller, records, signal) => {
    while (!signal.aborted) {
      const seconds = waitFor('replay', 'subject', caller, rate, records)
      if (seconds === 0) return
      await delay(seconds * 1_000, undefined, { signal }).catch(() => undefined)
    }
  }
}
