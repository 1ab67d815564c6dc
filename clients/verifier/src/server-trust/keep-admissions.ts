import { deferred } from '@auth4agent/core/async/waiting'
import { signAssertion } from '@auth4agent/core/identity/assertion'
import { bodyDigest } from '@auth4agent/core/identity/body-digest'
import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'
import type { VerificationKey } from '@auth4agent/core/token/access-token'
import { type Fetch, fetchJson, HttpError } from '../http.ts'
import { type AdmissionCopy, isUsable, readCopy } from './admission-copy.ts'
import { type AdmittedIssuer, readPage } from './read-answer.ts'
import type { TrustSettings } from './trust-options.ts'

/** The admissions of the audiences of a verifier. */
export interface Admissions {
  /** Returns the copy of an audience, or undefined if there is none that is young enough. */
  of(audience: string, now: Moment): AdmissionCopy | undefined
  /** Returns an issuer with the newest keys that any copy describes, also one that is too old to say yes. */
  issuer(issuer: string): AdmittedIssuer | undefined
  /** Reads new copies soon, because something was found that the copies lack. */
  refreshSoon(): void
  /** Number of admissions in all copies. */
  readonly size: number
  /** Age of the oldest copy in milliseconds, or Infinity if an audience has none. */
  ageMs(now: Moment): number
  /** Resolves when each audience has a copy for the first time. */
  readonly ready: Promise<void>
  close(): void
}

/** Options of {@link keepAdmissions}. */
export interface KeepOptions extends Pick<TrustSettings, 'operatorId' | 'key'> {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly fetch: Fetch
  /** Resolves with the address of the admissions. */
  readonly locate: () => Promise<string>
  readonly skewMs: number
  readonly onProblem: (error: unknown) => void
  readonly onSuccess: () => void
}

const MAX_BYTES = 4_194_304
const PAGE_ROWS = '500'
/** How long a copy is used before it is read again: about a minute, so that new statements do not wait for long. */
const REFRESH_MS = 60_000
/** The least time between two readings, and the longest pause after failed ones. */
const RETRY_MS = { first: 2_000, most: 60_000 }

/**
 * Keeps a copy of the admissions of each audience, and reads it again about every minute. A copy that cannot be read
 * again is used for half an hour. If the server refuses, because the operator no longer owns the audience, the copy is
 * dropped at once.
 */
export function keepAdmissions(options: KeepOptions): Admissions {
  const { audiences, skewMs, onProblem, onSuccess } = options
  const copies = new Map<string, AdmissionCopy>()
  const readOne = createRead(options, copies)
  const { promise: ready, resolve: becomeReady } = deferred<void>()
  let timer: NodeJS.Timeout | undefined
  let [failures, isReading, isClosed] = [0, false, false]

  const refresh = async (audience: string) => {
    const known = copies.get(audience)
    const before = known !== undefined && isUsable(known, present()) ? known : undefined
    try {
      copies.set(audience, await readCopy({ readPage: readOne(audience), before, skewMs }))
    } catch (error) {
      if (error instanceof HttpError && (error.status === 401 || error.status === 403)) copies.delete(audience)
      throw error
    }
  }
  const refreshAll = async () => {
    isReading = true
    // One after the other: a verifier must not burden its server with all of its audiences at once.
    const errors: unknown[] = []
    for (const audience of audiences) if (!isClosed) await refresh(audience).catch((error) => errors.push(error))
    isReading = false
    if (isClosed) return
    failures = errors.length === 0 ? 0 : failures + 1
    for (const error of errors) onProblem(error)
    if (errors.length === 0) {
      onSuccess()
      becomeReady()
    }
    schedule(errors.length === 0 ? REFRESH_MS : Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.most))
  }
  /** Verifiers that start together must not ask together. */
  const schedule = (ms: number) => {
    clearTimeout(timer)
    if (isClosed) return
    timer = setTimeout(() => void refreshAll(), ms * (0.75 + Math.random() / 2)).unref()
  }
  void refreshAll()
  const of = (audience: string, now: Moment) => {
    const copy = copies.get(audience)
    return copy !== undefined && isUsable(copy, now) ? copy : undefined
  }
  let hurriedAt = Number.NEGATIVE_INFINITY
  return {
    of,
    issuer(issuer) {
      const known = [...copies.values()].flatMap(({ issuers }) => issuers.get(issuer) ?? [])
      return known.toSorted((one, other) => other.keysAsOf - one.keysAsOf)[0]
    },
    refreshSoon() {
      if (isReading || failures > 0 || performance.now() - hurriedAt < REFRESH_MS / 4) return
      hurriedAt = performance.now()
      schedule(RETRY_MS.first)
    },
    get size() {
      return [...copies.values()].reduce((sum, { size }) => sum + size, 0)
    },
    ageMs: (now) => Math.max(...audiences.map((audience) => ageOf(copies.get(audience), now))),
    ready,
    close() {
      isClosed = true
      clearTimeout(timer)
      copies.clear()
    },
  }
}

function ageOf(copy: AdmissionCopy | undefined, now: Moment): number {
  return copy === undefined ? Number.POSITIVE_INFINITY : msSince(copy.readAt, now)
}

/** Makes the function that reads pages of an audience, each with a signed request of its own. */
function createRead(options: KeepOptions, copies: ReadonlyMap<string, AdmissionCopy>) {
  const { operatorId: party, key, issuer, fetch, locate } = options
  return (audience: string) => {
    const before = new Map<string, VerificationKey>()
    for (const { keys } of copies.get(audience)?.issuers.values() ?? []) {
      for (const [kid, known] of keys) before.set(kid, known)
    }
    return async (token: string) => {
      const url = new URL(await locate())
      url.search = String(
        new URLSearchParams({ audience, page_size: PAGE_ROWS, ...(token !== '' && { page_token: token }) }),
      )
      const content = { party, issuer, nowS: Date.now() / 1_000, rpc: `GET ${url.pathname}`, body: bodyDigest('') }
      const headers = {
        accept: 'application/json',
        'cache-control': 'no-cache',
        authorization: `Bearer ${await signAssertion(key, content)}`,
      }
      const { json } = await fetchJson(fetch, url.href, MAX_BYTES, { headers })
      return readPage(json, issuer, before)
    }
  }
}
