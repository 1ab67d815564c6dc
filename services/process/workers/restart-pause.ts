const FIRST_MS = 100
const LONGEST_MS = 30_000
/** A worker that lived this long, in milliseconds, was able to run, so its end begins a new count. */
const STEADY_MS = 60_000

/**
 * Returns how many workers with one number have crashed in a row, including the last one. The count begins again at 1
 * if the last worker lived for a minute.
 * @param before the count before the last worker
 * @param livedMs how long the last worker lived, in milliseconds
 */
export function countCrashes(before: number, livedMs: number): number {
  return livedMs < STEADY_MS ? before + 1 : 1
}

/** Returns the pause before the next start in milliseconds: it doubles with each crash, up to 30 s. */
export function restartPauseMs(crashes: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (crashes - 1))
}
