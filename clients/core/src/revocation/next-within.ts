import { deferred } from '../async/waiting.ts'

/**
 * Resolves with the next result of an iterator. Rejects with RangeError after `ms`, and with the signal's reason when
 * the signal aborts.
 *
 * @example
 * ```ts
 * import { nextWithin } from '@auth4agent/core/revocation/next-within'
 *
 * const { value } = await nextWithin(events, 5_000, signal)
 * ```
 */
export async function nextWithin<T>(
  iterator: AsyncIterator<T>,
  ms: number,
  signal: AbortSignal,
): Promise<IteratorResult<T>> {
  signal.throwIfAborted()
  const { promise, reject } = deferred<never>()
  const timer = setTimeout(() => reject(new RangeError(`The revocation feed sent nothing within ${ms} ms`)), ms)
  timer.unref()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([iterator.next(), promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
