import { Auth4AgentError } from './errors.ts'
import type { IssuedToken } from './issued-token.ts'
import { backoffMs, withRetries } from './retry.ts'
import type { Runtime } from './runtime.ts'
import { type Shared, shareWork } from './share-work.ts'

/** Milliseconds. */
interface Held {
  readonly issued: IssuedToken
  /** When it was asked for: before the server stamped it, so it expires no sooner than this says. */
  readonly wallMs: number
  readonly monotonicMs: number
  /** After so long a new one is asked for, and after so long this one is not given out. */
  readonly renewAfterMs: number
  readonly goodForMs: number
}

/** Renewal begins in this part of a lifetime, so that those who started together do not renew together. */
const RENEW_FROM = 0.6
const RENEW_TO = 0.8
/** What a token must still have: it has a way to go. */
const MAX_MARGIN_MS = 10_000
const MARGIN = 0.1
const FIRST_BACKOFF_MS = 1_000
const MAX_BACKOFF_MS = 30_000
/** Longest time for which a server's Retry-After is heeded without asking again. */
const MAX_BLOCK_MS = 300_000

/** Keeps one kind of token, and renews it while it is used. */
export class TokenSource {
  readonly #request: (signal: AbortSignal) => Promise<IssuedToken>
  readonly #runtime: Runtime
  readonly #closing: AbortSignal
  #held: Held | undefined
  #wasUsed = false
  #failures = 0
  #blocked: { readonly untilMs: number; readonly error: unknown } | undefined
  #renewal: Promise<void> | undefined
  #shared: Shared<IssuedToken> | undefined
  #cancelTimer: (() => void) | undefined

  /** `request` gets a new token, trying once. `closing` ends what is under way. */
  constructor(request: (signal: AbortSignal) => Promise<IssuedToken>, runtime: Runtime, closing: AbortSignal) {
    this.#request = request
    this.#runtime = runtime
    this.#closing = closing
  }

  /** A token that is good; the one request for it is shared by all who wait. Rejects with the signal's reason, or Auth4AgentError. */
  async get(signal?: AbortSignal): Promise<IssuedToken> {
    signal?.throwIfAborted()
    this.#closing.throwIfAborted()
    const held = this.#good()
    if (held !== undefined) {
      // The timer of one that was idle has passed.
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

  /** Forgets a token, if it is the one that is kept. */
  forget(token: string): void {
    if (this.#held?.issued.token !== token) return
    this.#held = undefined
    this.#cancelTimer?.()
  }

  #good(): Held | undefined {
    return this.#held !== undefined && ageOf(this.#held, this.#runtime) < this.#held.goodForMs ? this.#held : undefined
  }

  async #obtain(signal: AbortSignal): Promise<IssuedToken> {
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
      // One that nobody asks for is left to expire: its next user waits for a new one.
      if (!this.#closing.aborted && this.#wasUsed && this.#good() !== undefined) this.#renew()
    })
  }

  /** In the background, while the old token is good: a failure is nobody's, and another attempt follows. */
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

  /** While somebody waits. */
  async #fetchNow(signal: AbortSignal): Promise<IssuedToken> {
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

/** Milliseconds since a token was asked for, at least: of two clocks, one may have stood still or been set back. */
function ageOf({ wallMs, monotonicMs }: Held, runtime: Runtime): number {
  return Math.max(runtime.wallMs() - wallMs, runtime.monotonicMs() - monotonicMs)
}

function plan(lifetimeMs: number, random: number): Pick<Held, 'renewAfterMs' | 'goodForMs'> {
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
