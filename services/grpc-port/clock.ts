import type { ServerHttp2Stream } from 'node:http2'

/** The only timer of a stream. It ends with the stream. */
export interface Clock {
  /** Starts the timer, in milliseconds, and replaces the one before. */
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
