/** Looks in a row that must see the newcomer's record alone before it takes the domain over. */
export const LOOKS_NEEDED = 24

/** Looks that the delay has room for on average: more than are needed, since their spacing is left to chance. */
const LOOKS_PLANNED = 32

/** Milliseconds that pass on average between two looks. */
function meanGapMs(takeoverDelayMs: number): number {
  return takeoverDelayMs / LOOKS_PLANNED
}

/**
 * Milliseconds until the next look at a domain that a newcomer waits for. It may be at once and is never later than a
 * sixteenth of the delay, so nobody can tell when the owner's record may be away unseen.
 *
 * @param random uniform in [0, 1), not to be foreseen
 */
export function nextLookDelay(takeoverDelayMs: number, random: number): number {
  return Math.max(1, Math.round(2 * meanGapMs(takeoverDelayMs) * random))
}

/** Milliseconds between two passes that make the looks which are due: short beside the spacing of the looks themselves. */
export function lookInterval(takeoverDelayMs: number, scheduleIntervalMs: number): number {
  return Math.max(MIN_INTERVAL_MS, Math.min(meanGapMs(takeoverDelayMs), scheduleIntervalMs))
}

const MIN_INTERVAL_MS = 50

/**
 * Milliseconds by which a look that comes late prolongs the wait: time in which nobody looked does not count. What is less
 * than the longest pause between two looks is no absence.
 */
export function unwatchedMs(takeoverDelayMs: number, lateMs: number): number {
  return lateMs > 2 * meanGapMs(takeoverDelayMs) ? lateMs : 0
}

/**
 * Unix milliseconds from when a wait may end: the delay is over, and the looks that are still missing have had their time.
 * What is in the future has not come yet.
 */
export function waitEnds(wait: { readonly takeoverAt: number; readonly looks: number }, now: number, delayMs: number) {
  const missing = Math.max(0, LOOKS_NEEDED - wait.looks)
  return Math.max(wait.takeoverAt, missing === 0 ? 0 : Math.ceil(now + Math.max(1, missing * meanGapMs(delayMs))))
}
