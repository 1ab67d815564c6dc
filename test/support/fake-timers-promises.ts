/**
 * Replaces node:timers/promises in a test with fake time, because fake timers change only the global timers:
 * `vi.mock('node:timers/promises', () => import(<this file>))`.
 */
function waitFor<T>(ms: number, value: T, { signal }: { readonly signal?: AbortSignal } = {}): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(resolve, ms, value)
  const stop = () => {
    clearTimeout(timer)
    reject(signal?.reason)
  }
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  return promise
}

export { waitFor as setTimeout }
