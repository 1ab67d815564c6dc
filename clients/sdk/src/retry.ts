import { Auth4AgentError } from './errors.ts'
import { pause, type Runtime } from './runtime.ts'

/** The most attempts while a caller waits. */
const MAX_ATTEMPTS = 4
/**
 * The longest pause between attempts, in milliseconds. If the server asks for a longer pause, the call rejects, and
 * the error contains the pause as `retryAfterS`.
 */
const MAX_PAUSE_MS = 20_000
const FIRST_PAUSE_MS = 250

/** Reasons after which a new challenge helps at once: the old one was used, has expired, or lost its challenge key. */
const NEEDS_NEW_CHALLENGE = new Set(['CHALLENGE_USED', 'CHALLENGE_EXPIRED', 'CHALLENGE_NOT_FOUND'])
const NEEDS_TIME = new Set([429, 500, 502, 503, 504])

/**
 * Repeats an attempt until it succeeds. Rejects with the last error after 4 failures, or earlier if a repetition would
 * fail in the same way.
 */
export async function withRetries<T>(runtime: Runtime, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt()
    } catch (error) {
      const ms = failures < MAX_ATTEMPTS ? pauseAfter(error, failures, runtime.random()) : undefined
      if (ms === undefined || ms > MAX_PAUSE_MS) throw error
      if (ms > 0) await pause(runtime, ms, signal)
    }
  }
}

/**
 * Returns the milliseconds to wait before the next attempt, or undefined if the next attempt would fail in the same
 * way.
 */
function pauseAfter(error: unknown, failures: number, random: number): number | undefined {
  if (!(error instanceof Auth4AgentError)) return undefined
  const { reason, status, retryAfterS } = error
  if (NEEDS_NEW_CHALLENGE.has(reason) || status === 410) return 0
  if (reason !== 'NETWORK_ERROR' && !NEEDS_TIME.has(status)) return undefined
  const own = backoffMs(FIRST_PAUSE_MS, failures, random)
  return retryAfterS === undefined ? own : Math.max(retryAfterS * 1000 + random * FIRST_PAUSE_MS, own)
}

/** Returns an exponential backoff with jitter, in milliseconds: 50 % to 100 % of `first` × 2^(failures − 1). */
export function backoffMs(first: number, failures: number, random: number): number {
  return first * 2 ** (failures - 1) * (0.5 + random / 2)
}
