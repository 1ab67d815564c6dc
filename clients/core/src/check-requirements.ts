import type { AccessTokenClaims } from './claims.ts'
import { parseDid } from './did.ts'
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
  const operators = new Set([claims.operator_id, parseDid(claims.sub)?.domain])
  if (wanted.operators.length > 0 && !wanted.operators.some((operator) => operators.has(operator))) {
    return 'OPERATOR_NOT_TRUSTED'
  }
  const scopes = new Set(claims.scope.split(' '))
  return wanted.scope.every((scope) => scopes.has(scope)) ? undefined : 'SCOPE_MISSING'
}
