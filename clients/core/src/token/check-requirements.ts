import { parseDid } from '../identity/did.ts'
import { type AttestationDemand, meetsAttestation } from './attestation.ts'
import type { AccessTokenClaims } from './claims.ts'
import type { Verdict } from './verdicts.ts'

/**
 * A verifier's demands on a token. An empty list demands nothing.
 *
 * @example
 * ```ts
 * import type { Requirements } from '@auth4agent/core/token/check-requirements'
 *
 * const wanted: Requirements = { audience: ['https://api.acme.example'], scope: ['orders:read'], operators: [] }
 * ```
 */
export interface Requirements {
  /** The token must be for one of these. */
  readonly audience: readonly string[]
  /** The token must have all of these. */
  readonly scope: readonly string[]
  /** Operator ids or domains. The token's operator must be one of them. */
  readonly operators: readonly string[]
  /** A result of attestation that the token must state; undefined if it need not. It needs `operators`. */
  readonly attestation?: AttestationDemand | undefined
}

/**
 * Compares genuine claims with a verifier's demands. Returns undefined if the claims meet all of them.
 *
 * @param nowS Unix seconds, for the age of a result of attestation
 * @example
 * ```ts
 * import { checkRequirements } from '@auth4agent/core/token/check-requirements'
 *
 * const wanted = { audience: ['https://api.acme.example'], scope: ['orders:read'], operators: [] }
 * const verdict = checkRequirements(claims, wanted, Math.floor(Date.now() / 1_000))
 * ```
 */
export function checkRequirements(claims: AccessTokenClaims, wanted: Requirements, nowS: number): Verdict | undefined {
  if (wanted.audience.length > 0 && !wanted.audience.some((audience) => claims.aud.includes(audience))) {
    return 'AUDIENCE_MISMATCH'
  }
  if (!isGovernedBy(wanted.operators, { did: claims.sub, operatorId: claims.operator_id }))
    return 'OPERATOR_NOT_TRUSTED'
  const scopes = claims.scope.split(' ')
  if (!wanted.scope.every((scope) => scopes.includes(scope))) return 'SCOPE_MISSING'
  const { attestation } = wanted
  return attestation === undefined || meetsAttestation(claims, attestation, nowS) ? undefined : 'ATTESTATION_REQUIRED'
}

/**
 * Tells whether one of these operators governs an agent. An empty list accepts every operator.
 *
 * @param operators ids or domains of operators
 * @example
 * ```ts
 * import { isGovernedBy } from '@auth4agent/core/token/check-requirements'
 *
 * isGovernedBy(['acme.example'], { did, operatorId }) // true for an agent of acme.example
 * ```
 */
export function isGovernedBy(
  operators: readonly string[],
  { did, operatorId }: { readonly did: string; readonly operatorId: string },
): boolean {
  if (operators.length === 0 || operators.includes(operatorId)) return true
  const domain = parseDid(did)?.domain
  return domain !== undefined && operators.includes(domain)
}
