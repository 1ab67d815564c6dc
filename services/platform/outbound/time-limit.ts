import { OutboundError } from './outbound-error.ts'

/** Limits the time of one request. */
export interface TimeLimit {
  /** Aborts when the time is over, or when one of the other signals aborts. */
  readonly signal: AbortSignal
  /** Allows `ms` milliseconds from now. */
  restart(ms: number): void
  /** Stops the clock until `restart`. */
  stop(): void
}

/** Starts a limit. The reason of its signal is an OutboundError with TIMEOUT. */
export function startTimeLimit(ms: number, origin: string, others: readonly AbortSignal[]): TimeLimit {
  const over = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(timer)
  const restart = (ms: number) => {
    stop()
    const end = () => over.abort(new OutboundError('TIMEOUT', `${origin} did not answer within ${ms} ms`))
    timer = setTimeout(end, ms)
  }
  restart(ms)
  return { signal: AbortSignal.any([over.signal, ...others]), restart, stop }
}
