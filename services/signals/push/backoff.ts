const FIRST_MS = 1_000
/** Longest pause after a failed attempt, in milliseconds. */
const MAX_BACKOFF_MS = 300_000

/**
 * Returns how long a stream waits after so many failed attempts in a row, in milliseconds: twice as long each time, up
 * to five minutes. A random half of it keeps streams apart that have failed at the same time.
 *
 * @param random a number from 0 up to 1
 */
export function backoffMs(failures: number, random: number): number {
  const ms = Math.min(MAX_BACKOFF_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  return Math.round(ms * (0.5 + random / 2))
}
