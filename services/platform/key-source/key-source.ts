import { KnownKeys } from '@auth4agent/core/jose/known-keys'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { Moment } from '@auth4agent/core/platform/moment'
import { ApiError } from '../errors/api-error.ts'
import type { EvidenceKey, EvidenceKeys } from '../jwt/keys.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { OutboundError } from '../outbound/outbound-error.ts'
import { fetchKeySet, type KeyPlace, UnusableAnswer } from './fetch-key-set.ts'

/** Dependencies of createKeySource. */
export interface KeySourceDeps {
  readonly outbound: Pick<Outbound, 'get'>
  /** Returns monotonic milliseconds. */
  readonly now: () => number
}

/**
 * Returns the keys of an issuer, among them the one with this `kid` if the issuer has it. An empty `kid` names none.
 * `holderId` names who has configured the issuer; `now` is in Unix milliseconds.
 *
 * @throws ApiError UNAVAILABLE if the keys cannot be fetched, and no copy decides about this `kid`
 */
export type KeySource = (
  place: KeyPlace & { readonly pinnedKeys?: EvidenceKeys | undefined },
  kid: string,
  context: { readonly holderId: string; readonly now: number },
) => Promise<EvidenceKeys>

/** The copy of one holder's keys. */
interface Copy {
  readonly known: KnownKeys<EvidenceKey>
  /** The fetch that is under way, for all that wait for it. */
  pending: Promise<void> | undefined
  /** Why the last fetch failed; undefined if it succeeded. */
  failure: unknown
}

/** Copies of so many holders are kept. */
const MAX_COPIES = 1_000
/** How long a copy is used, in milliseconds, and how long if the issuer does not say. */
const FRESH = { min: 60_000, usual: 300_000, max: 3_600_000 }
/** The shortest time from a fetch that failed to the next one. Anybody can send evidence that needs keys. */
const RETRY_MS = 5_000

/** Creates the source of keys of all attestors or providers. Evidence that comes during a fetch shares it. */
export function createKeySource({ outbound, now }: KeySourceDeps): KeySource {
  const copies = new Map<string, Copy>()

  const fetchInto = async (copy: Copy, place: KeyPlace, begun: Moment) => {
    copy.known.try(begun)
    try {
      const { keys, maxAgeS } = await fetchKeySet(outbound, place)
      const freshMs = maxAgeS === undefined ? FRESH.usual : Math.max(FRESH.min, maxAgeS * 1000)
      copy.known.replace({ keys, begun, cachedMs: 0, freshMs })
      copy.failure = undefined
    } catch (error) {
      copy.failure = error
    } finally {
      copy.pending = undefined
    }
  }

  return async (place, kid, { holderId, now: wall }) => {
    if (place.pinnedKeys !== undefined) return place.pinnedKeys
    // An operator may change the place of the keys of a holder that keeps its id.
    const key = JSON.stringify([holderId, place.issuer, place.jwksUri, place.algorithms])
    const copy = copies.get(key) ?? { known: new KnownKeys(FRESH.max), pending: undefined, failure: undefined }
    keepNewest(copies, key, copy, MAX_COPIES)
    const { known } = copy
    const decides = (at: Moment) => known.isUsable(at) && (kid === '' || known.find(kid) !== undefined)
    const at = { monotonic: now(), wall }
    if (!decides(at)) {
      const mayFetch = known.isUsable(at) ? known.mayHaveCome(kid, at) : canRetry(copy, at)
      if (copy.pending === undefined && mayFetch) copy.pending = fetchInto(copy, place, at)
      await copy.pending
      const later = { monotonic: now(), wall }
      const isDecided = decides(later) || (known.isUsable(later) && copy.failure === undefined)
      if (!isDecided) throw unavailable(copy.failure)
    }
    return known.all
  }
}

function canRetry({ known, failure }: Copy, at: Moment): boolean {
  return failure === undefined || known.triedMsAgo(at) >= RETRY_MS
}

/** The reason helps operators, and contains no part of an answer. */
function unavailable(failure: unknown): ApiError {
  const why = failure instanceof OutboundError ? failure.why : failure instanceof UnusableAnswer ? failure.message : ''
  const detail = why === '' ? '' : `: ${why}`
  return new ApiError('UNAVAILABLE', `The keys of the issuer cannot be fetched now${detail}`, {
    cause: failure,
    isFault: false,
    retryAfter: RETRY_MS / 1000,
  })
}
