import { deferred } from '@auth4agent/core/async/waiting'
import type { ServiceSettings } from './options.ts'
import { describe, SetupError, toSetupError } from './setup-error.ts'

/** What a verifier needs from an issuer. */
export type Need = 'keys' | 'own keys' | 'revocations' | 'status lists' | 'admissions'

/** Options of {@link Verifier.ready}. */
export interface ReadyOptions {
  /** The issuers to wait for. By default, all issuers of the verifier. */
  readonly issuers?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
  /** The longest time to wait, in seconds. By default, there is no limit. */
  readonly timeout?: number | undefined
}

/** The problems that a verifier has in the background. */
export interface Problems {
  report(need: Need, error: unknown): void
  /** Clears the problems of a need that is met now. */
  settle(need: Need): void
  /** Tells about something dangerous that prevents nothing. The caller tells it once. */
  warn(warning: Error): void
  /**
   * Resolves when the promise that `ready` returns resolves. Rejects with SetupError for a problem that waiting does
   * not solve and after the timeout, and with the signal's reason when the signal aborts.
   */
  untilReady(ready: () => Promise<unknown>, options?: Omit<ReadyOptions, 'issuers'>): Promise<void>
}

const FAILED: Readonly<Record<Need, string>> = {
  keys: "the issuer's keys cannot be fetched",
  'own keys': "one of the issuer's keys is not used",
  revocations: 'the revocation log cannot be followed',
  'status lists': 'a status list cannot be used',
  admissions: 'the admissions cannot be read',
}
/** The most different problems of one outage that are written to `console.warn`. */
const MAX_SAID = 16
const HOLD_MS = 60_000
/** The longest delay of a timer, in seconds. */
const MAX_TIMEOUT_S = 2_147_483

/**
 * Keeps the problems of a verifier with one issuer. `onProblem` is called with each problem. Without `onProblem`,
 * `console.warn` gets each different problem once, and again after a time without problems.
 */
export function createProblems(issuer: string, onProblem: ServiceSettings['onProblem']): Problems {
  const current = new Map<Need, unknown>()
  /** Needs that were met at least once. Later problems of such a need do not make `untilReady` reject. */
  const met = new Set<Need>()
  const said = new Set<string>()
  const waiting = new Set<(error: SetupError) => void>()
  const lastingOf = (need: Need) => (met.has(need) ? undefined : toSetupError(current.get(need)))
  const write = (text: string) => console.warn(`Auth4Agent verifier of ${issuer}: ${text}`)
  const writeOnce = (need: Need, error: unknown) => {
    const text = describe(error)
    if (said.has(text) || said.size >= MAX_SAID) return
    said.add(text)
    const outlook = toSetupError(error) === undefined ? 'the verifier keeps trying' : 'waiting does not solve this'
    write(`${FAILED[need]}: ${text} (${outlook})`)
  }
  return {
    report(need, error) {
      current.set(need, error)
      if (onProblem === undefined) writeOnce(need, error)
      else tell(() => onProblem(error, issuer))
      const lasting = lastingOf(need)
      if (lasting !== undefined) for (const reject of waiting) reject(lasting)
    },
    settle(need) {
      current.delete(need)
      met.add(need)
      if (current.size === 0) said.clear()
    },
    warn(warning) {
      if (onProblem === undefined) write(warning.message)
      else tell(() => onProblem(warning, issuer))
    },
    async untilReady(ready, { signal, timeout } = {}) {
      signal?.throwIfAborted()
      const { promise: failed, reject } = deferred<never>()
      const giveUp = (seconds: number) => reject(tooLate(seconds, [...current.values()].at(-1)))
      // Background work does not keep the process alive, so this timer must.
      const timer =
        timeout === undefined ? setInterval(() => undefined, HOLD_MS) : setTimeout(() => giveUp(timeout), toMs(timeout))
      const stop = () => reject(signal?.reason)
      signal?.addEventListener('abort', stop, { once: true })
      waiting.add(reject)
      const lasting = lastingOf('keys') ?? lastingOf('revocations') ?? lastingOf('admissions')
      if (lasting !== undefined) reject(lasting)
      try {
        await Promise.race([ready(), failed])
      } finally {
        clearTimeout(timer)
        waiting.delete(reject)
        signal?.removeEventListener('abort', stop)
      }
    },
  }
}

function tell(call: () => void): void {
  try {
    call()
  } catch {
    // An error in the callback must not stop the verifier.
  }
}

function tooLate(seconds: number, problem: unknown): SetupError {
  const why = problem === undefined ? '' : `: ${describe(problem)}`
  return new SetupError('TIMED_OUT', `The verifier was not ready within ${seconds} s${why}`, { cause: problem })
}

function toMs(seconds: number): number {
  if (seconds > 0 && seconds <= MAX_TIMEOUT_S) return seconds * 1_000
  throw new TypeError(`timeout must be more than 0 and at most ${MAX_TIMEOUT_S} seconds`)
}
