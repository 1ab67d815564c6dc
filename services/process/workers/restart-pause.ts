const FIRST_MS = 100
const LONGEST_MS = 30_000
/** A worker that has lived for so long, in milliseconds, does not end because it cannot run at all. */
const STEADY_MS = 60_000

/**
 * How often in a row workers of one number have ended soon after their start, counting the one that has just ended.
 * @param before the count before it
 * @param livedMs how long it lived, in milliseconds
 */
export function countCrashes(before: number, livedMs: number): number {
  return livedMs < STEADY_MS ? before + 1 : 1
}

/** How long to wait before the next start after so many, in milliseconds: short at first, twice as long each time, never longer than 30 s. */
export function restartPauseMs(crashes: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (crashes - 1))
}
