import { setTimeout as delay } from 'node:timers/promises'

/** Waits for `ms` milliseconds and returns true. Returns false at once when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false)
}
