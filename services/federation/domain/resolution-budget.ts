/** What one resolution may use. A stranger's hints decide how much there is to fetch, so all of it is bounded. */
const LIMITS = { fetches: 32, bytes: 1_048_576, signatures: 200, chains: 16, ms: 10_000 } as const
/** A slow server takes at most a quarter of the time from the others. */
const FETCH_MS = LIMITS.ms / 4

/** The limit at which a resolution ended early. */
export type Cut = 'fetches' | 'bytes' | 'signatures' | 'chains' | 'time' | 'aborted'

/** What one fetch may use. */
export interface FetchLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/** Counts what a resolution uses. After the first limit that is reached, nothing more is fetched. */
export class ResolutionBudget {
  readonly #now: () => number
  readonly #signal: AbortSignal | undefined
  readonly #begun: number
  #fetches = 0
  #bytes = 0
  #signatures = 0
  #chains = 0
  #cut: Cut | undefined

  /** @param now returns the time in milliseconds. */
  constructor(now: () => number, signal: AbortSignal | undefined) {
    this.#now = now
    this.#signal = signal
    this.#begun = now()
  }

  /** The limit that was reached first. */
  get cut(): Cut | undefined {
    return this.#cut
  }

  /** Takes one fetch of at most `maxBytes`. Returns undefined if nothing more is allowed. */
  takeFetch(maxBytes: number): FetchLimits | undefined {
    const leftMs = this.#begun + LIMITS.ms - this.#now()
    if (this.#signal?.aborted) this.#end('aborted')
    else if (leftMs <= 0) this.#end('time')
    else if (this.#fetches >= LIMITS.fetches) this.#end('fetches')
    else if (this.#bytes >= LIMITS.bytes) this.#end('bytes')
    if (this.#cut !== undefined) return undefined
    this.#fetches += 1
    return { maxBytes: Math.min(maxBytes, LIMITS.bytes - this.#bytes), timeoutMs: Math.min(FETCH_MS, leftMs) }
  }

  /** Counts the bytes of an answer. */
  spendBytes(bytes: number): void {
    this.#bytes += bytes
  }

  /** Takes signatures to verify. Returns false if there are not enough. */
  takeSignatures(count: number): boolean {
    const isEnough = this.#signatures + count <= LIMITS.signatures
    if (isEnough) this.#signatures += count
    else this.#end('signatures')
    return isEnough
  }

  /** Takes a chain to verify, with so many statements. Policies may be costly, so few chains are verified. */
  takeChain(statements: number): boolean {
    this.#chains += 1
    if (this.#chains > LIMITS.chains) this.#end('chains')
    return this.#chains <= LIMITS.chains && this.takeSignatures(statements)
  }

  #end(cut: Cut): void {
    this.#cut ??= cut
  }
}
