import { checkDpopProof } from '@auth4agent/core/dpop/dpop-proof'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import { checkTimes, type KeyFinder, verifyAccessToken } from '@auth4agent/core/token/access-token'
import { checkBinding } from '@auth4agent/core/token/check-binding'
import { checkRequirements, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'

/** Result of offline verification. `claims` are present if the token is genuine, even if it has expired. */
export interface OfflineVerification {
  readonly claims: AccessTokenClaims | undefined
  /** Why the token is not valid; undefined if it is valid. */
  readonly verdict: Verdict | undefined
  /** What would be right in the DPoP proof; undefined if the proof is valid for its request, or is not given. */
  readonly demand?: string | undefined
}

/** A DPoP proof, and the method and URL of the request that carried it. */
export interface GivenProof {
  readonly text: string
  readonly method: string
  readonly url: string
}

/** Rules for {@link verifyOffline}. */
export interface OfflineRules {
  readonly issuer: string
  /** The server's JWKS as it was received. */
  readonly jwks: unknown
  readonly nowS: number
  readonly wanted: Requirements
  readonly proof?: GivenProof | undefined
}

/** Clock skew that servers allow, in seconds. */
const SKEW_S = 10

/**
 * Verifies a token by the server's rules, except for revocation, which a JWKS does not contain, and for the repeated
 * use of a DPoP proof.
 */
export async function verifyOffline(
  token: string,
  { issuer, jwks, nowS, wanted, proof }: OfflineRules,
): Promise<OfflineVerification> {
  const genuine = await verifyAccessToken(token, issuer, finderOf(jwks))
  if ('verdict' in genuine) return { claims: undefined, verdict: genuine.verdict }
  const { claims } = genuine
  const { method = '', url = '' } = proof ?? {}
  const checked = proof && checkDpopProof(proof.text, { method, url, nowS, skewS: SKEW_S, accessToken: token })
  const demand = checked?.ok === false ? checked.demand : undefined
  const verdict =
    checkTimes(claims, nowS, SKEW_S) ??
    checkRequirements(claims, wanted, nowS) ??
    (checked?.ok === false ? 'PROOF_INVALID' : checkBinding(claims, checked))
  return { claims, verdict, demand }
}

/** Makes a finder for the keys of a JWKS. Any other value has no keys. */
export function finderOf(jwks: unknown): KeyFinder {
  const keys = importKeySet(jwks)
  const find = (kid: string) => Promise.resolve(keys?.get(kid))
  return { find, findNow: find }
}
