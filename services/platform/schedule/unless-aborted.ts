/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Returns the result of the work. Rejects with the reason of the signal at once when it aborts; the work goes on. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = untilAborted(signal).then((): never => {
    throw signal.reason
  })
  return Promise.race([work, aborted])
}
