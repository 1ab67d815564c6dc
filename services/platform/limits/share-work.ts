/**
 * Lets calls for the same key share one run of `work`. At most one run of a key is under way, and the calls that
 * arrive meanwhile share the next one. So every run begins after its calls have arrived, and sees what they could see
 * alone.
 */
export function shareWork<T>(work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  const waiting = new Map<string, Promise<T>>()

  const runNext = async (key: string): Promise<T> => {
    // This also lets the calls of the same turn of the event loop join.
    await Promise.allSettled([running.get(key)])
    waiting.delete(key)
    const run = work(key)
    running.set(key, run)
    try {
      return await run
    } finally {
      if (running.get(key) === run) running.delete(key)
    }
  }
  return (key) => {
    const shared = waiting.get(key) ?? runNext(key)
    waiting.set(key, shared)
    return shared
  }
}
