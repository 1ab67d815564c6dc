import { parseDid } from '../identity/did.ts'
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
}

/**
 * Compares genuine claims with a verifier's demands. Returns undefined if the claims meet all of them.
 *
 * @example
 * ```ts
 * import { checkRequirements } from '@auth4agent/core/token/check-requirements'
 *
 * const wanted = { audience: ['https://api.acme.example'], scope: ['orders:read'], operators: [] }
 * const verdict = checkRequirements(claims, wanted)
 * ```
 */
export function checkRequirements(claims: AccessTokenClaims, wanted: Requirements): Verdict | undefined {
  if (wanted.audience.length > 0 && !wanted.audience.some((audience) => claims.aud.includes(audience))) {
    return 'AUDIENCE_MISMATCH'
  }
  if (!isGovernedBy(wanted.operators, { did: claims.sub, operatorId: claims.operator_id }))
    return 'OPERATOR_NOT_TRUSTED'
  if (wanted.scope.length === 0) return undefined
  const scopes = claims.scope.split(' ')
  return wanted.scope.every((scope) => scopes.includes(scope)) ? undefined : 'SCOPE_MISSING'
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
