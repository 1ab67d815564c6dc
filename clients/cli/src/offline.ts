import { importKeySet } from '@auth4agent/core/jose/key-set'
import { checkTimes, type KeyFinder, verifyAccessToken } from '@auth4agent/core/token/access-token'
import { checkRequirements, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'

/** Result of offline verification. `claims` are present if the token is genuine, even if it has expired. */
export interface OfflineVerification {
  readonly claims: AccessTokenClaims | undefined
  /** Why the token is not valid; undefined if it is valid. */
  readonly verdict: Verdict | undefined
}

/** Rules for {@link verifyOffline}. */
export interface OfflineRules {
  readonly issuer: string
  /** The server's JWKS as it was received. */
  readonly jwks: unknown
  readonly nowS: number
  readonly wanted: Requirements
}

/** Clock skew that servers allow, in seconds. */
const SKEW_S = 10

/** Verifies a token by the server's rules, except for revocation, which a JWKS does not contain. */
export async function verifyOffline(
  token: string,
  { issuer, jwks, nowS, wanted }: OfflineRules,
): Promise<OfflineVerification> {
  const genuine = await verifyAccessToken(token, issuer, finderOf(jwks))
  if ('verdict' in genuine) return { claims: undefined, verdict: genuine.verdict }
  const { claims } = genuine
  return { claims, verdict: checkTimes(claims, nowS, SKEW_S) ?? checkRequirements(claims, wanted) }
}

/** Makes a finder for the keys of a JWKS. Any other value has no keys. */
function finderOf(jwks: unknown): KeyFinder {
  const keys = importKeySet(jwks)
  const find = (kid: string) => Promise.resolve(keys?.get(kid))
  return { find, findNow: find }
}
