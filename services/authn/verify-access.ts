import { checkRequirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { VerifyAccess } from '../calls/access-token.ts'
import { checkProof } from './check-proof.ts'
import { type VerifyTokenDeps, verifyGenuine } from './verify-token.ts'

/**
 * Creates the verification of access tokens with which agents of this deployment's operators call this deployment
 * itself. Their only audience must be the issuer.
 */
export function createVerifyAccess(deps: VerifyTokenDeps): VerifyAccess {
  const wanted = { audience: [deps.issuer], scope: [], operators: [] }
  return async (token, proof) => {
    const check = (claims: AccessTokenClaims): Verdict | undefined =>
      checkRequirements(claims, wanted, Math.floor(deps.now() / 1000)) ??
      // Another audience gets the token too, and could use it here.
      (claims.aud.length === 1 ? undefined : 'AUDIENCE_MISMATCH') ??
      (claims.home === undefined ? undefined : 'ISSUER_NOT_TRUSTED') ??
      checkProof(deps, claims, token, proof)
    const verified = await verifyGenuine(deps, token, check)
    if (!verified.valid) return verified.reason
    const { sub, operator_id: operatorId, scope } = verified.claims
    return { did: sub, operatorId, scope }
  }
}
