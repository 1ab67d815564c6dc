import { setTimeout as delay } from 'node:timers/promises'

/** Waits for so many milliseconds; answers false, at once, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal }).catch(() => false)
}
