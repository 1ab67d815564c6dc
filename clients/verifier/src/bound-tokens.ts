import { checkDpopClaims, checkDpopProof, type DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { normalizeHtu } from '@auth4agent/core/dpop/htu'
import type { ReplayStore } from '@auth4agent/core/dpop/replay-memory'
import type { Moment } from '@auth4agent/core/platform/moment'
import { checkBinding } from '@auth4agent/core/token/check-binding'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { VerificationErrorOptions, VerificationReason } from './errors.ts'
import { createRequestFacts } from './same-request.ts'
import { createUseOnce } from './use-once.ts'
import type { Demands, PresentedProof } from './wanted.ts'

/** Why a token is refused. */
interface Refusal extends VerificationErrorOptions {
  readonly reason: VerificationReason
}

/**
 * Decides whether a genuine token or chain is bound to the key of the DPoP proof that came with it. Returns undefined
 * if it is, or a promise if the replay store answers later. The promise never rejects.
 */
export type CheckBound = (
  text: string,
  claims: Pick<AccessTokenClaims, 'cnf'>,
  dpop: Demands['dpop'],
  now: Moment,
) => Refusal | undefined | Promise<Refusal | undefined>

/** Options of {@link createCheckBound}. */
export interface BoundOptions {
  /** By how many seconds clocks may differ. */
  readonly skewS: number
  readonly replays: ReplayStore
  /** How long a replay store may take to answer. */
  readonly timeoutMs?: number
}

const OTHER_KEY = 'its key must be the key that the token is bound to'

/**
 * Makes the check of bound tokens (RFC 9449 section 7.1). The replay store is asked last, so that it records only
 * proofs of a key that a genuine token is bound to. If it throws, does not answer in time, or answers with something
 * else than a boolean, the token is refused.
 */
export function createCheckBound({ skewS, replays, timeoutMs }: BoundOptions): CheckBound {
  const used = createRequestFacts()
  const ask = createUseOnce(replays, timeoutMs)
  const useOnce = (proof: DpopProof, dpop: PresentedProof) => {
    if (used.has(dpop, proof.id)) return undefined
    const note = (refusal: Refusal | undefined) => {
      if (refusal === undefined) used.add(dpop, proof.id)
      return refusal
    }
    const refusal = ask(proof)
    return refusal instanceof Promise ? refusal.then(note) : note(refusal)
  }
  return (text, claims, dpop, now) => {
    const proof = proveBound(text, claims, dpop, now, skewS)
    return proof === undefined || 'reason' in proof ? proof : useOnce(...proof)
  }
}

/** Makes the check without the replay store: a proof that passes may have been used before. */
export function checkBinds(
  text: string,
  claims: Pick<AccessTokenClaims, 'cnf'>,
  dpop: Demands['dpop'],
  now: Moment,
  skewS: number,
): Refusal | undefined {
  const proof = proveBound(text, claims, dpop, now, skewS)
  return proof !== undefined && 'reason' in proof ? proof : undefined
}

/** Returns the proof of a bound token, or why it is refused. Returns undefined for a bearer token that may be one. */
function proveBound(
  text: string,
  claims: Pick<AccessTokenClaims, 'cnf'>,
  dpop: Demands['dpop'],
  now: Moment,
  skewS: number,
): readonly [DpopProof, PresentedProof] | Refusal | undefined {
  if (claims.cnf === undefined) return dpop === undefined ? undefined : { reason: 'TOKEN_NOT_BOUND' }
  if (dpop === undefined || dpop === 'required') return { reason: 'PROOF_REQUIRED' }
  const proof = checkProof(text, dpop, Math.floor(now.wall / 1_000), skewS)
  if ('reason' in proof) return proof
  const verdict = checkBinding(claims, proof)
  return verdict === undefined ? [proof, dpop] : { reason: verdict, detail: OTHER_KEY }
}

function checkProof(accessToken: string, dpop: PresentedProof, nowS: number, skewS: number): DpopProof | Refusal {
  const { method, url } = dpop
  if (url === undefined) return { reason: 'PUBLIC_URL_UNKNOWN' }
  const checked = checkDpopProof(textOf(dpop), { method, url, nowS, skewS, accessToken })
  return checked.ok ? checked : { reason: 'PROOF_INVALID', detail: checked.demand }
}

/** Does the checks of a proof that need no signature. A proof that passes is not valid yet. */
export function checkProofClaims(
  accessToken: string,
  dpop: PresentedProof,
  { wall }: Moment,
  skewS: number,
): Refusal | undefined {
  const { method, url } = dpop
  if (url === undefined) return { reason: 'PUBLIC_URL_UNKNOWN' }
  const rules = { method, url, nowS: Math.floor(wall / 1_000), skewS, accessToken }
  const refusal = checkDpopClaims(textOf(dpop), rules)
  return refusal && { reason: 'PROOF_INVALID', detail: refusal.demand }
}

/** A caller in JavaScript may pass a value that is not a string. */
function textOf({ proof }: PresentedProof): string {
  const text: unknown = proof
  return typeof text === 'string' ? text : ''
}

/** The members of a question to the issuer that describe a proof. Only a URL without query leaves this process. */
export function toProofMembers({ proof, method, url = '' }: PresentedProof): Readonly<Record<string, string>> {
  return { dpop_proof: proof, http_method: method, http_url: normalizeHtu(url) ?? '' }
}
