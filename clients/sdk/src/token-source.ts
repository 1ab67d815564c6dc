import { Auth4AgentError } from './errors.ts'
import type { IssuedToken } from './issued-token.ts'
import { backoffMs, withRetries } from './retry.ts'
import type { Runtime } from './runtime.ts'
import { type Shared, shareWork } from './share-work.ts'

/** What a source keeps: a token, or a chain of grants, and the seconds for which it is valid when it comes. */
type Kept = Pick<IssuedToken, 'token' | 'lifetimeS'>

/** The token that is kept. Times are in milliseconds. */
interface Held<T> {
  readonly issued: T
  /**
   * The time when the token was requested, by both clocks. The server issues the token later, so an age that begins
   * here is never too small.
   */
  readonly wallMs: number
  readonly monotonicMs: number
  /** The age at which a new token is requested, and the age at which this token is no longer returned. */
  readonly renewAfterMs: number
  readonly goodForMs: number
}

/**
 * Renewal starts at a random point between these parts of the lifetime, so that agents that started together do not
 * renew together.
 */
const RENEW_FROM = 0.6
const RENEW_TO = 0.8
/**
 * A returned token must still be valid for this part of its lifetime, but at most for MAX_MARGIN_MS, because a token
 * needs time to reach a service.
 */
const MAX_MARGIN_MS = 10_000
const MARGIN = 0.1
const FIRST_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 30_000
/** The longest time for which a Retry-After prevents new requests. */
const MAX_BLOCK_MS = 300_000

/** Keeps a token for one set of terms and renews it while it is used. */
export class TokenSource<T extends Kept = IssuedToken> {
  readonly #request: (signal: AbortSignal) => Promise<T>
  readonly #runtime: Runtime
  readonly #closing: AbortSignal
  #held: Held<T> | undefined
  #wasUsed = false
  #failures = 0
  #blocked: { readonly untilMs: number; readonly error: unknown } | undefined
  #renewal: Promise<void> | undefined
  #shared: Shared<T> | undefined
  #cancelTimer: (() => void) | undefined

  /** `request` gets a new token, with one attempt. `closing` stops all work. */
  constructor(request: (signal: AbortSignal) => Promise<T>, runtime: Runtime, closing: AbortSignal) {
    this.#request = request
    this.#runtime = runtime
    this.#closing = closing
  }

  /**
   * Resolves with a valid token. All callers who wait share one request. Rejects with the signal's reason or
   * Auth4AgentError.
   */
  async get(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    this.#closing.throwIfAborted()
    const held = this.#good()
    if (held !== undefined) {
      // The timer does not renew a token that was not used, so this call starts the renewal.
      if (!this.#wasUsed && this.#failures === 0 && ageOf(held, this.#runtime) >= held.renewAfterMs) this.#renew()
      this.#wasUsed = true
      return held.issued
    }
    if (this.#blocked !== undefined && this.#runtime.monotonicMs() < this.#blocked.untilMs) throw this.#blocked.error
    this.#blocked = undefined
    this.#shared ??= shareWork(
      (ending) => this.#fetchNow(ending),
      this.#closing,
      () => {
        this.#shared = undefined
      },
    )
    const issued = await this.#shared.join(signal)
    this.#wasUsed = true
    return issued
  }

  /** Forgets the kept token if it is the given token. */
  forget(token: string): void {
    if (this.#held?.issued.token !== token) return
    this.#held = undefined
    this.#cancelTimer?.()
  }

  /** Forgets the kept token. */
  clear(): void {
    this.#held = undefined
    this.#blocked = undefined
    this.#cancelTimer?.()
  }

  #good(): Held<T> | undefined {
    return this.#held !== undefined && ageOf(this.#held, this.#runtime) < this.#held.goodForMs ? this.#held : undefined
  }

  async #obtain(signal: AbortSignal): Promise<T> {
    const [wallMs, monotonicMs] = [this.#runtime.wallMs(), this.#runtime.monotonicMs()]
    const issued = await this.#request(signal)
    signal.throwIfAborted()
    this.#held = { issued, wallMs, monotonicMs, ...plan(issued.lifetimeS * 1000, this.#runtime.random()) }
    this.#wasUsed = false
    this.#failures = 0
    this.#schedule(this.#held.renewAfterMs)
    return issued
  }

  #schedule(ms: number): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#runtime.after(ms, () => {
      // A token that is not used expires without renewal. The next caller waits for a new one.
      if (!this.#closing.aborted && this.#wasUsed && this.#good() !== undefined) this.#renew()
    })
  }

  /**
   * Renews the token in the background while the old token is valid. If this fails, no caller gets the error, and
   * another attempt follows.
   */
  #renew(): void {
    this.#renewal ??= this.#tryToRenew().finally(() => {
      this.#renewal = undefined
    })
  }

  async #tryToRenew(): Promise<void> {
    try {
      await this.#obtain(this.#closing)
    } catch (error) {
      this.#failures += 1
      this.#schedule(Math.max(backoff(this.#failures, this.#runtime.random()), askedPauseMs(error)))
    }
  }

  /** Gets a token while callers wait. */
  async #fetchNow(signal: AbortSignal): Promise<T> {
    await this.#renewal
    const held = this.#good()
    if (held !== undefined) return held.issued
    try {
      return await withRetries(this.#runtime, signal, () => this.#obtain(signal))
    } catch (error) {
      const pauseMs = askedPauseMs(error)
      if (pauseMs > 0) this.#blocked = { untilMs: this.#runtime.monotonicMs() + pauseMs, error }
      throw error
    }
  }
}

/**
 * Returns the milliseconds since a token was requested. One of the two clocks may have stopped or been set back, so
 * this is the larger of the two ages.
 */
function ageOf({ wallMs, monotonicMs }: Pick<Held<unknown>, 'wallMs' | 'monotonicMs'>, runtime: Runtime): number {
  return Math.max(runtime.wallMs() - wallMs, runtime.monotonicMs() - monotonicMs)
}

function plan(lifetimeMs: number, random: number): Pick<Held<unknown>, 'renewAfterMs' | 'goodForMs'> {
  return {
    renewAfterMs: lifetimeMs * (RENEW_FROM + (RENEW_TO - RENEW_FROM) * random),
    goodForMs: lifetimeMs - Math.min(MAX_MARGIN_MS, lifetimeMs * MARGIN),
  }
}

function backoff(failures: number, random: number): number {
  return Math.min(MAX_BACKOFF_MS, backoffMs(FIRST_BACKOFF_MS, failures, random))
}

function askedPauseMs(error: unknown): number {
  const seconds = error instanceof Auth4AgentError ? (error.retryAfterS ?? 0) : 0
  return Math.min(MAX_BLOCK_MS, seconds * 1000)
}
