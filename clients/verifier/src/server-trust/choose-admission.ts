import { mapScopes } from '@auth4agent/core/trust/scope-map'
import type { Admission } from './read-answer.ts'

/** An admission, and the scopes that a token has by it. */
export interface Chosen {
  readonly admission: Admission
  readonly scopes: readonly string[]
}

/**
 * Chooses the first admission of an operator whose map has all scopes of a token, as the server does. Scopes of
 * several admissions are never added up.
 */
export function chooseAdmission(admissions: readonly Admission[], scopes: readonly string[]): Chosen | undefined {
  for (const admission of admissions) {
    const mapped = mapScopes(admission, scopes)
    if (mapped !== undefined) return { admission, scopes: mapped }
  }
  return undefined
}

/** Names an operator of another deployment. A space separates the parts, because none of them contains one. */
export function callerKey({ issuer, domain, operatorId }: Pick<Admission, 'issuer' | 'domain' | 'operatorId'>): string {
  return `${issuer} ${domain} ${operatorId}`
}
