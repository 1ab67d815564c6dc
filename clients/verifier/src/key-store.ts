import { deferred } from '@auth4agent/core/async/waiting'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { KnownKeys } from '@auth4agent/core/jose/known-keys'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import { toAgeMs, toFreshMs } from './freshness.ts'
import { type Fetch, fetchJson } from './http.ts'

/** The issuer's public keys. */
export interface KeyStore {
  /** Whether a key that was found before is still one that counts. */
  holds(key: VerificationKey, now: Moment): boolean
  /** A key that counts, if that can be told without asking the issuer. */
  peek(kid: string, now: Moment): VerificationKey | undefined
  /** Finds a key. Rejects when there are no keys, or none that are young enough. */
  find(kid: string): Promise<VerificationKey | undefined>
  /** Lets no key of this kid count any more, whatever the issuer publishes. */
  end(kid: string): void
  /** Fetches the keys, unless they are younger than `ageMs`. Rejects when that fails, or they are no younger then. */
  renew(ageMs: number): Promise<void>
  /** Milliseconds since the issuer told them. */
  readonly ageMs: number
  readonly size: number
  /** Resolves when there are keys for the first time. */
  readonly ready: Promise<void>
  close(): void
}

/** What a key store works with. */
export interface KeyStoreOptions {
  readonly fetch: Fetch
  /** Resolves with the address of the JWK Set. */
  readonly locate: () => Promise<string>
  /** For how long keys count that cannot be fetched again, in milliseconds. */
  readonly maxAgeMs: number
  /** Hears of fetches that fail. */
  readonly onProblem: (error: unknown) => void
  /** Hears of fetches that bring keys. */
  readonly onSuccess: () => void
}

const MAX_BYTES = 262_144
/** Part of the time for which keys are fresh after which they are fetched again, so that nobody has to wait for them. */
const RENEW_AFTER = 0.8
/** A cache may have them for longer than the log names one that is compromised. */
const NOT_FROM_CACHES: RequestInit = { headers: { 'cache-control': 'no-cache' } }
/** Pauses between attempts that fail. */
const RETRY_MS = { first: 1_000, most: 60_000 }

/**
 * Keeps the issuer's keys in memory. They are fetched again before the time is over for which the issuer lets them be
 * kept; whoever asks later than that waits for the attempt. If it fails they go on to count until they are `maxAgeMs` old, and further
 * attempts are in nobody's way.
 */
export function createKeyStore({ fetch, locate, maxAgeMs, onProblem, onSuccess }: KeyStoreOptions): KeyStore {
  const known = new KnownKeys<VerificationKey>(maxAgeMs)
  let fetching: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const { promise: ready, resolve: becomeReady } = deferred<void>()

  /** Resolves with how long they are fresh. */
  const fetchKeys = async (): Promise<number> => {
    const begun = present()
    known.try(begun)
    const { json, headers } = await fetchJson(fetch, await locate(), MAX_BYTES, NOT_FROM_CACHES)
    const keys = importKeySet(json, known.all)
    if (keys === undefined) throw new TypeError('the issuer does not publish a JWK Set')
    return known.replace({ keys, begun, cachedMs: toAgeMs(headers), freshMs: toFreshMs(headers) })
  }
  const attempt = async () => {
    try {
      schedule((await fetchKeys()) * RENEW_AFTER)
      onSuccess()
      becomeReady()
    } catch (error) {
      schedule(Math.min(RETRY_MS.first * 2 ** (known.keep() - 1), RETRY_MS.most))
      if (!isClosed) onProblem(error)
      throw error
    } finally {
      fetching = undefined
    }
  }
  const fetchShared = (): Promise<void> => {
    fetching ??= attempt()
    return fetching
  }
  const schedule = (ms: number) => {
    clearTimeout(timer)
    if (isClosed) return
    timer = setTimeout(() => void fetchShared().catch(() => undefined), ms)
    timer.unref()
  }
  const makeUsable = async () => {
    // While it fails, the timer is what tries again.
    if (known.isFailing && fetching === undefined && known.triedMsAgo() < RETRY_MS.first) throw new Error('no keys yet')
    try {
      await fetchShared()
    } catch (error) {
      if (!known.isUsable()) throw error
    }
  }
  schedule(0)
  return {
    holds: (key, now) => known.isUsable(now) && known.find(key.kid) === key,
    peek: (kid, now) => (known.isUsable(now) ? known.find(kid) : undefined),
    async find(kid) {
      if (!known.isUsable()) await makeUsable()
      // What is known is no worse for it when it fails.
      if (known.mayHaveCome(kid)) await fetchShared().catch(() => undefined)
      return known.find(kid)
    },
    end: (kid) => known.end(kid),
    async renew(ageMs) {
      if (known.ageMs() < ageMs) return
      await fetchShared()
      if (known.ageMs() >= ageMs) throw new RangeError('a cache has kept the keys of the issuer for too long')
    },
    get ageMs() {
      return known.ageMs()
    },
    get size() {
      return known.all.size
    },
    ready,
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
