import { deferred } from '@auth4agent/core/async/waiting'
import { importKeySet, type KeySet } from '@auth4agent/core/jose/key-set'
import { KnownKeys } from '@auth4agent/core/jose/known-keys'
import { type Moment, present } from '@auth4agent/core/platform/moment'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import { toAgeMs, toFreshMs } from './freshness.ts'
import { type Fetch, fetchJson } from './http.ts'

/** The issuer's public keys. */
export interface KeyStore {
  /** Returns whether a key that the store returned earlier may still be used. */
  holds(key: VerificationKey, now: Moment): boolean
  /** Returns a usable key without a request to the issuer, or undefined if there is none. */
  peek(kid: string, now: Moment): VerificationKey | undefined
  /**
   * Finds a key, with a request to the issuer if necessary. Rejects if there are no keys, or only keys that are too
   * old.
   */
  find(kid: string): Promise<VerificationKey | undefined>
  /** Ends a key. It is never used again, even if the issuer publishes it. */
  end(kid: string): void
  /** Fetches the keys unless they are younger than `ageMs`. Rejects if this fails, or if the new keys are too old. */
  renew(ageMs: number): Promise<void>
  /** The milliseconds since the issuer published these keys. */
  readonly ageMs: number
  readonly size: number
  /** Resolves when there are keys for the first time. */
  readonly ready: Promise<void>
  close(): void
}

/** Options of {@link createKeyStore}. */
export interface KeyStoreOptions {
  readonly fetch: Fetch
  /** Resolves with the address of the JWK Set. */
  readonly locate: () => Promise<string>
  /** The milliseconds for which keys are used while they cannot be fetched again. */
  readonly maxAgeMs: number
  /** Returns the keys of a JWK Set that this store may use. */
  readonly choose: (published: KeySet) => KeySet
  /** Called for each fetch that fails. */
  readonly onProblem: (error: unknown) => void
  /** Called for each fetch that brings keys. */
  readonly onSuccess: () => void
}

const MAX_BYTES = 262_144
/** The keys are fetched again after this part of the time for which they are fresh, so that no caller has to wait. */
const RENEW_AFTER = 0.8
/** Asks caches to revalidate. Otherwise a cache could serve a compromised key after its record has left the log. */
const NOT_FROM_CACHES: RequestInit = { headers: { 'cache-control': 'no-cache' } }
/** The first and the longest pause after failed attempts. */
const RETRY_MS = { first: 1_000, most: 60_000 }

/**
 * Keeps the issuer's keys in memory, and fetches them again before they stop being fresh. If they are no longer fresh,
 * a caller waits for one attempt. If this attempt fails, the keys stay usable until they are `maxAgeMs` old, and
 * callers do not wait for further attempts.
 */
export function createKeyStore(options: KeyStoreOptions): KeyStore {
  const { fetch, locate, maxAgeMs, choose, onProblem, onSuccess } = options
  const known = new KnownKeys<VerificationKey>(maxAgeMs)
  let fetching: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const { promise: ready, resolve: becomeReady } = deferred<void>()

  /** Resolves with the time for which the keys are fresh, in milliseconds. */
  const fetchKeys = async (): Promise<number> => {
    const begun = present()
    known.try(begun)
    const { json, headers } = await fetchJson(fetch, await locate(), MAX_BYTES, NOT_FROM_CACHES)
    const published = importKeySet(json, known.all)
    if (published === undefined) throw new TypeError('The issuer does not publish a JWK Set')
    return known.replace({ keys: choose(published), begun, cachedMs: toAgeMs(headers), freshMs: toFreshMs(headers) })
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
    // While fetches fail, only the timer tries again.
    if (known.isFailing && fetching === undefined && known.triedMsAgo() < RETRY_MS.first)
      throw new Error('The keys could not be fetched yet')
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
      // If this fails, the known keys are still usable.
      if (known.mayHaveCome(kid)) await fetchShared().catch(() => undefined)
      return known.find(kid)
    },
    end: (kid) => known.end(kid),
    async renew(ageMs) {
      if (known.ageMs() < ageMs) return
      await fetchShared()
      if (known.ageMs() >= ageMs) throw new RangeError('A cache has kept the keys of the issuer for too long')
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
