import { untilAborted } from '@auth4agent/core/async/waiting'

/** Work that several wait for. */
export interface Shared<T> {
  /** Waits for it. Rejects with the signal's reason when that aborts first; the work goes on while anybody waits. */
  join(signal?: AbortSignal): Promise<T>
}

/**
 * Starts work that ends early when all who joined have left, or when `closing` aborts. `onEnd` is called once, before anybody hears
 * of the end, so that whoever comes later starts anew.
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
  // Whoever left does not hear of it.
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
