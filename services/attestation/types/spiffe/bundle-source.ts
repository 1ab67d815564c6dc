import { canonicalJson } from '@auth4agent/core/encoding/canonical-json'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { shareWork } from '../../../platform/limits/share-work.ts'
import type { Outbound } from '../../../platform/outbound/outbound.ts'
import { type Bundle, BundleError, readBundle } from './bundle.ts'

/** Dependencies of the types of SPIFFE. */
export interface SpiffeDeps {
  readonly outbound: Pick<Outbound, 'get'>
  /** Returns monotonic milliseconds. */
  readonly now: () => number
}

/** Returns the current bundle of an attestor. Rejects with ApiError UNAVAILABLE. */
export type GetBundle = (attestorId: string, url: string) => Promise<Bundle>

/** A bundle that was fetched. Times are in monotonic milliseconds. */
interface Fetched {
  readonly bundle: Bundle
  /** Of the keys. */
  readonly digest: string
  readonly fetchedAt: number
}

interface State {
  readonly url: string
  last: Fetched | undefined
  triedAt: number | undefined
  failure: unknown
}

/** A bundle that could not be fetched again is used until it is this old. */
const MAX_AGE_MS = 300_000
/** After the refresh hint, and a minute before a bundle is too old: so one failed fetch refuses nobody. */
const REFRESH_MS = { min: 60_000, max: 240_000 }
const RETRY_MS = 5_000
const MAX_ATTESTORS = 1_000
const MAX_BYTES = 256 * 1024
const JSON_TYPES = ['application/json', 'application/jwk-set+json'] as const

/**
 * Creates the function. It fetches from bundle endpoints of the profile https_web (SPIFFE Federation section 5.2.1). A
 * new bundle replaces the last one as a whole, and may not be older. This process remembers the bundles.
 */
export function createBundleSource({ outbound, now }: SpiffeDeps): GetBundle {
  const states = new Map<string, State>()
  const isYounger = (at: number | undefined, ms: number) => at !== undefined && now() >= at && now() - at < ms
  const isDue = ({ last, triedAt }: State) =>
    !isYounger(last?.fetchedAt, refreshAfter(last?.bundle)) && !isYounger(triedAt, RETRY_MS)

  /** Never rejects. */
  const refresh = shareWork(async (key) => {
    const state = states.get(key)
    if (state === undefined || !isDue(state)) return
    const began = now()
    state.triedAt = began
    try {
      state.last = { ...(await fetchBundle(outbound, state)), fetchedAt: began }
    } catch (error) {
      state.failure = error
    }
  })

  return async (attestorId, url) => {
    // An operator may change the URL of an attestor that keeps its id.
    const key = `${attestorId} ${url}`
    const state = states.get(key) ?? { url, last: undefined, triedAt: undefined, failure: undefined }
    keepNewest(states, key, state, MAX_ATTESTORS)
    if (isDue(state)) await refresh(key)
    const { last, failure } = state
    if (last !== undefined && isYounger(last.fetchedAt, MAX_AGE_MS)) return last.bundle
    throw new ApiError('UNAVAILABLE', 'The bundle of the trust domain cannot be fetched now', {
      cause: failure,
      isFault: false,
      retryAfter: RETRY_MS / 1_000,
    })
  }
}

function refreshAfter(bundle: Bundle | undefined): number {
  const { min, max } = REFRESH_MS
  return Math.min(Math.max((bundle?.refreshHint ?? max) * 1_000, min), max)
}

/** @throws OutboundError, BundleError */
async function fetchBundle(
  outbound: Pick<Outbound, 'get'>,
  { url, last }: Pick<State, 'url' | 'last'>,
): Promise<Omit<Fetched, 'fetchedAt'>> {
  const { body } = await outbound.get(url, { accept: JSON_TYPES, maxBytes: MAX_BYTES })
  const json = parseStrictJson(body)
  if (!json.ok) throw new BundleError(`must be a strict JSON object (${json.why})`)
  const bundle = readBundle(json.value)
  const digest = sha256Text(canonicalJson(json.value['keys']), 'hex')
  if (last !== undefined) checkSequence({ bundle, digest }, last)
  return { bundle, digest }
}

/** A bundle of an earlier sequence may be replayed. Two bundles of one sequence must be the same. */
function checkSequence({ bundle, digest }: Omit<Fetched, 'fetchedAt'>, last: Fetched): void {
  const [before, after] = [last.bundle.sequence, bundle.sequence]
  if (before === undefined) return
  if (after === undefined || after < before) throw new BundleError('must not have an earlier spiffe_sequence')
  if (after === before && digest !== last.digest) {
    throw new BundleError('must have a later spiffe_sequence if its keys are other ones')
  }
}
