import { untilAborted } from '@auth4agent/core/async/waiting'

/** Work that several callers wait for. */
export interface Shared<T> {
  /**
   * Waits for the result. Rejects with the signal's reason if the signal aborts first. The work continues while at
   * least one caller waits.
   */
  join(signal?: AbortSignal): Promise<T>
}

/**
 * Starts work that stops when all callers have left, or when `closing` aborts. `onEnd` runs once, before any caller
 * gets the result, so that the next caller starts new work.
 */
export function shareWork<T>(
  work: (signal: AbortSignal) => Promise<T>,
  closing: AbortSignal,
  onEnd: () => void,
): Shared<T> {
  const abandoned = new AbortController()
  let waiters = 0
  let hasEnded = false
  const end = () => {
    if (!hasEnded) onEnd()
    hasEnded = true
  }
  const result = untilAborted(work(AbortSignal.any([abandoned.signal, closing])), closing).finally(end)
  // Prevents an unhandled rejection when all callers have left.
  result.catch(() => undefined)
  return {
    async join(signal) {
      waiters += 1
      try {
        return await (signal === undefined ? result : untilAborted(result, signal))
      } finally {
        waiters -= 1
        if (waiters === 0 && !hasEnded) {
          end()
          abandoned.abort()
        }
      }
    },
  }
}
