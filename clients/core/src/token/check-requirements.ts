import { parseDid } from '../identity/did.ts'
import type { AccessTokenClaims } from './claims.ts'
import type { Verdict } from './verdicts.ts'

/** What a verifier wants a token to be good for; empty lists want nothing. */
export interface Requirements {
  readonly audience: readonly string[]
  readonly scope: readonly string[]
  /** Operator ids or domains. */
  readonly operators: readonly string[]
}

/** Compares genuine claims with requirements. Undefined when they meet all. */
export function checkRequirements(claims: AccessTokenClaims, wanted: Requirements): Verdict | undefined {
  if (wanted.audience.length > 0 && !wanted.audience.some((audience) => claims.aud.includes(audience))) {
    return 'AUDIENCE_MISMATCH'
  }
  if (wanted.operators.length > 0 && !wanted.operators.includes(claims.operator_id)) {
    const domain = parseDid(claims.sub)?.domain
    if (domain === undefined || !wanted.operators.includes(domain)) return 'OPERATOR_NOT_TRUSTED'
  }
  if (wanted.scope.length === 0) return undefined
  const scopes = claims.scope.split(' ')
  return wanted.scope.every((scope) => scopes.includes(scope)) ? undefined : 'SCOPE_MISSING'
}
