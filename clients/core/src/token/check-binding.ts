import type { AccessTokenClaims } from './claims.ts'
import type { Verdict } from './verdicts.ts'

/**
 * Compares the key that genuine claims are bound to with the key of a valid DPoP proof (RFC 9449 section 7.1). `proof`
 * is undefined if the request has none, which is not enough for a bound token.
 *
 * @returns the verdict, or undefined if both are the same key, or if there is neither a bound key nor a proof.
 * @example
 * ```ts
 * import { checkBinding } from '@auth4agent/core/token/check-binding'
 *
 * checkBinding(claims, undefined) // 'PROOF_REQUIRED' if the token is bound to a key
 * checkBinding(claims, proof) // 'PROOF_INVALID' if the proof is of another key
 * ```
 */
export function checkBinding(
  claims: Pick<AccessTokenClaims, 'cnf'>,
  proof: { readonly jkt: string } | undefined,
): Verdict | undefined {
  if (claims.cnf === undefined) return proof === undefined ? undefined : 'TOKEN_NOT_BOUND'
  if (proof === undefined) return 'PROOF_REQUIRED'
  return proof.jkt === claims.cnf.jkt ? undefined : 'PROOF_INVALID'
}
