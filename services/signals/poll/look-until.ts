import { pause } from '../../platform/schedule/pause.ts'
import type { Wakes } from '../wakes.ts'

/** Times of lookUntil, in milliseconds. */
interface LookTimes {
  /** How long to wait in all. */
  readonly waitMs: number
  /** How long to wait for a wake before the next look, because a notification may have been lost. */
  readonly everyMs: number
  /** Shortest time between two looks after the first wake, because others can cause many wakes. */
  readonly gapMs: number
}

/**
 * Looks again at each wake until a look finds something, the time is over, or the process stops.
 *
 * @returns what the last look found, or undefined
 */
export async function lookUntil<T>(
  wakes: Pick<Wakes, 'onWake' | 'closing'>,
  { waitMs, everyMs, gapMs }: LookTimes,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const endsAt = performance.now() + waitMs
  let isWoken = false
  let resume: (() => void) | undefined
  const stop = wakes.onWake(() => {
    isWoken = true
    resume?.()
  })
  try {
    for (let looks = 1; ; looks++) {
      isWoken = false
      const lookedAt = performance.now()
      const found = await look()
      const leftMs = endsAt - performance.now()
      if (found !== undefined || leftMs <= 0 || wakes.closing.aborted) return found
      if (looks > 1) await pause(Math.max(0, Math.min(leftMs, lookedAt + gapMs - performance.now())), wakes.closing)
      if (isWoken) continue
      const woken = Promise.withResolvers<void>()
      resume = woken.resolve
      const timer = setTimeout(woken.resolve, Math.min(leftMs, everyMs))
      await woken.promise
      clearTimeout(timer)
    }
  } finally {
    stop()
  }
}
