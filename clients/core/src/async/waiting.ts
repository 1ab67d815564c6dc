/** A promise and the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

const nothing = () => undefined

/** Makes a promise that its maker settles, as `Promise.withResolvers` does, which Node 20 lacks. */
export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = nothing
  let reject: Deferred<T>['reject'] = nothing
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/** Resolves with what a promise resolves with. Rejects as soon as the signal aborts, with its reason. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/**
 * Resolves when a timer fires, which `start` sets; `start` returns the function that cancels it. Rejects with the signal's reason when
 * that aborts first.
 */
export async function pause(start: (onTime: () => void) => () => void, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve } = deferred<void>()
  const cancel = start(() => resolve(undefined))
  await untilAborted(promise, signal).finally(cancel)
}
