import type { ServerHttp2Stream } from 'node:http2'

/** A timer that ends with its stream. */
export interface Clock {
  /** Calls `then` after `ms` milliseconds. Replaces an earlier start. */
  start(ms: number, then: () => void): void
  stop(): void
}

/** Makes the clock of a stream. */
export function createClock(stream: ServerHttp2Stream): Clock {
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => clearTimeout(timer)
  stream.once('close', stop)
  return {
    stop,
    start(ms, then) {
      stop()
      if (!stream.closed) timer = setTimeout(then, ms)
    },
  }
}
