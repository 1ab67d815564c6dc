/** A promise and the functions that settle it, as {@link deferred} returns them. */
interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

const nothing = () => undefined

/**
 * Creates a promise and the functions that settle it. Replaces `Promise.withResolvers`, which Node 20 lacks.
 *
 * @example
 * ```ts
 * import { deferred } from '@auth4agent/core/async/waiting'
 *
 * const ready = deferred<void>()
 * server.listen(8080, () => ready.resolve())
 * await ready.promise
 * ```
 */
export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = nothing
  let reject: Deferred<T>['reject'] = nothing
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/**
 * Returns a promise that settles as `promise` does, but rejects with the signal's reason if the signal aborts first.
 *
 * @example
 * ```ts
 * import { untilAborted } from '@auth4agent/core/async/waiting'
 *
 * const answer = await untilAborted(ask(), AbortSignal.timeout(5_000))
 * ```
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/**
 * Waits for a timer. `start` sets the timer and returns a function that cancels it.
 * Rejects with the signal's reason if the signal aborts first, and then cancels the timer.
 *
 * @example
 * ```ts
 * import { pause } from '@auth4agent/core/async/waiting'
 *
 * const start = (onTime: () => void) => {
 *   const timer = setTimeout(onTime, 1_000)
 *   return () => clearTimeout(timer)
 * }
 * await pause(start, signal)
 * ```
 */
export async function pause(start: (onTime: () => void) => () => void, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve } = deferred<void>()
  const cancel = start(() => resolve(undefined))
  await untilAborted(promise, signal).finally(cancel)
}
