/**
 * Number of looks in a row that must find only the newcomer's record before the newcomer takes over the domain. A look
 * asks all resolvers for the record once, at a random time during the wait for a takeover.
 */
export const LOOKS_NEEDED = 24

/** Average number of looks within the delay. It is more than LOOKS_NEEDED, because the times between looks vary. */
const LOOKS_PLANNED = 32

/** Returns the average milliseconds between two looks. */
function meanGapMs(takeoverDelayMs: number): number {
  return takeoverDelayMs / LOOKS_PLANNED
}

/**
 * Returns the milliseconds until the next look: at least 1, at most a sixteenth of the delay. The time is random, so
 * the newcomer cannot predict when it would have to hide the owner's record.
 *
 * @param random uniform in [0, 1), unpredictable
 */
export function nextLookDelay(takeoverDelayMs: number, random: number): number {
  return Math.max(1, Math.round(2 * meanGapMs(takeoverDelayMs) * random))
}

/** Returns the milliseconds between two passes that make due looks: at most the average gap of looks, at least 50. */
export function lookInterval(takeoverDelayMs: number, scheduleIntervalMs: number): number {
  return Math.max(MIN_INTERVAL_MS, Math.min(meanGapMs(takeoverDelayMs), scheduleIntervalMs))
}

const MIN_INTERVAL_MS = 50

/**
 * Returns the milliseconds by which a late look prolongs the wait, because time without looks does not count. A look
 * whose delay is at most the longest regular time between two looks does not prolong the wait.
 */
export function unwatchedMs(takeoverDelayMs: number, lateMs: number): number {
  return lateMs > 2 * meanGapMs(takeoverDelayMs) ? lateMs : 0
}

/**
 * Returns when a wait can end, in Unix milliseconds. This is the end of the delay, or `now` plus the average time that
 * the missing looks take when that is later. While looks are missing, the result is always later than `now`.
 */
export function waitEnds(wait: { readonly takeoverAt: number; readonly looks: number }, now: number, delayMs: number) {
  const missing = Math.max(0, LOOKS_NEEDED - wait.looks)
  return Math.max(wait.takeoverAt, missing === 0 ? 0 : Math.ceil(now + Math.max(1, missing * meanGapMs(delayMs))))
}
