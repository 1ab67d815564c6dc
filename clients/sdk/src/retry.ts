import { Auth4AgentError } from './errors.ts'
import { pause, type Runtime } from './runtime.ts'

/** How often something is tried while somebody waits for it. */
const MAX_ATTEMPTS = 4
/** Longest wait that a server may ask of somebody who waits; a longer one is told to the caller as `retryAfterS`. */
const MAX_PAUSE_MS = 20_000
const FIRST_PAUSE_MS = 250

/** A new challenge is all that these need: this one was used, expired, or made under a key that is gone. */
const NEEDS_NEW_CHALLENGE = new Set(['CHALLENGE_USED', 'CHALLENGE_EXPIRED', 'CHALLENGE_NOT_FOUND'])
const NEEDS_TIME = new Set([429, 500, 502, 503, 504])

/** Runs an attempt until it succeeds, fails for good, or has failed often enough; then rejects with its last failure. */
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

/** Milliseconds to wait before the next attempt; undefined when another would fail the same way. */
function pauseAfter(error: unknown, failures: number, random: number): number | undefined {
  if (!(error instanceof Auth4AgentError)) return undefined
  const { reason, status, retryAfterS } = error
  if (NEEDS_NEW_CHALLENGE.has(reason) || status === 410) return 0
  if (reason !== 'NETWORK_ERROR' && !NEEDS_TIME.has(status)) return undefined
  const own = backoffMs(FIRST_PAUSE_MS, failures, random)
  return retryAfterS === undefined ? own : Math.max(retryAfterS * 1000 + random * FIRST_PAUSE_MS, own)
}

/** Exponential backoff with jitter, in milliseconds: from half of `first` doubled so often, to all of it. */
export function backoffMs(first: number, failures: number, random: number): number {
  return first * 2 ** (failures - 1) * (0.5 + random / 2)
}
