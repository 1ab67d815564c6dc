import { deferred } from '@auth4agent/core/async/waiting'
import { importKeySet, type KeySet } from '@auth4agent/core/jose/key-set'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import { type Fetch, fetchJson } from './http.ts'
import { type Moment, msSince, NEVER, present } from './moment.ts'

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
/** For an answer that does not say how long it may be kept, and within these bounds for one that does. */
const FRESH_MS = { byDefault: 300_000, least: 1_000, most: 86_400_000 }
/** Part of that time after which the keys are fetched again, so that nobody has to wait for them. */
const RENEW_AFTER = 0.8
/** A cache may have them for longer than the log names one that is compromised. */
const NOT_FROM_CACHES: RequestInit = { headers: { 'cache-control': 'no-cache' } }
/** Unknown kids are anybody's to invent. */
const UNKNOWN_KID_INTERVAL_MS = 30_000
/** Pauses between attempts that fail. */
const RETRY_MS = { first: 1_000, most: 60_000 }

/**
 * Keeps the issuer's keys in memory. They are fetched again before the time is over for which the issuer lets them be
 * kept; whoever asks later than that waits for the attempt. If it fails they go on to count until they are `maxAgeMs` old, and further
 * attempts are in nobody's way.
 */
export function createKeyStore({ fetch, locate, maxAgeMs, onProblem, onSuccess }: KeyStoreOptions): KeyStore {
  let keys: KeySet = new Map()
  const ended = new Set<string>()
  let fetchedAt: Moment = NEVER
  let triedAt: Moment = NEVER
  /** How long the keys count now: while they are fresh, and beyond that once it was tried in vain to renew them. */
  let usableMs = 0
  let failures = 0
  let fetching: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const { promise: ready, resolve: becomeReady } = deferred<void>()

  /** Resolves with how long they are fresh. */
  const fetchKeys = async (): Promise<number> => {
    const begun = present()
    triedAt = begun
    const { json, headers } = await fetchJson(fetch, await locate(), MAX_BYTES, NOT_FROM_CACHES)
    const set = importKeySet(json, keys)
    if (set === undefined) throw new TypeError('the issuer does not publish a JWK Set')
    const cachedMs = toAgeMs(headers)
    if (cachedMs >= maxAgeMs) throw new RangeError('a cache has kept the keys of the issuer for too long')
    keys = set
    fetchedAt = { monotonic: begun.monotonic - cachedMs, wall: begun.wall - cachedMs }
    const freshMs = Math.min(toFreshMs(headers), maxAgeMs - cachedMs)
    usableMs = cachedMs + freshMs
    return freshMs
  }
  const attempt = async () => {
    try {
      const freshMs = await fetchKeys()
      failures = 0
      schedule(freshMs * RENEW_AFTER)
      onSuccess()
      becomeReady()
    } catch (error) {
      failures += 1
      usableMs = maxAgeMs
      schedule(Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.most))
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
  const isUsable = (now?: Moment): boolean => msSince(fetchedAt, now) < usableMs
  const makeUsable = async () => {
    // While it fails, the timer is what tries again.
    if (failures > 0 && fetching === undefined && msSince(triedAt) < RETRY_MS.first) throw new Error('no keys yet')
    try {
      await fetchShared()
    } catch (error) {
      if (!isUsable()) throw error
    }
  }
  schedule(0)
  const known = (kid: string) => (ended.has(kid) ? undefined : keys.get(kid))
  return {
    holds: (key, now) => isUsable(now) && known(key.kid) === key,
    peek: (kid, now) => (isUsable(now) ? known(kid) : undefined),
    async find(kid) {
      if (!isUsable()) await makeUsable()
      if (known(kid) === undefined && !ended.has(kid) && msSince(triedAt) >= UNKNOWN_KID_INTERVAL_MS) {
        // What is known is no worse for it when it fails.
        await fetchShared().catch(() => undefined)
      }
      return known(kid)
    },
    end: (kid) => void ended.add(kid),
    async renew(ageMs) {
      if (msSince(fetchedAt) < ageMs) return
      await fetchShared()
      if (msSince(fetchedAt) >= ageMs) throw new RangeError('a cache has kept the keys of the issuer for too long')
    },
    get ageMs() {
      return msSince(fetchedAt)
    },
    get size() {
      return keys.size
    },
    ready,
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

/** For how long an answer may still be kept (RFC 9111 section 4.2), in milliseconds: what it says, less the time it lay in caches. */
function toFreshMs(headers: Headers): number {
  const control = headers.get('cache-control') ?? ''
  if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/i.test(control)) return FRESH_MS.least
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})"?(?:$|[\s,])/i.exec(control)?.[1]
  const ms = seconds === undefined ? FRESH_MS.byDefault : Number(seconds) * 1_000 - toAgeMs(headers)
  return Math.min(Math.max(ms, FRESH_MS.least), FRESH_MS.most)
}

/** How long an answer lay in caches (RFC 9111 section 5.1), in milliseconds. */
function toAgeMs(headers: Headers): number {
  return Number(/^\d{1,9}$/.exec(headers.get('age') ?? '')?.[0] ?? 0) * 1_000
}
