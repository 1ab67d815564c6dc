import { operatorId } from '../identity/operator-id.ts'
import type { TrustDraft } from './statement.ts'

/**
 * Returns the id under which a statement's subject is kept: the operator `sub`, or for `chains-to` the operator id
 * that the issuer alone would have, without domain and root key.
 *
 * @example
 * ```ts
 * import { subjectId } from '@auth4agent/core/trust/subject-id'
 *
 * const key = [statement.iss, statement.kind, subjectId(statement)].join(' ')
 * ```
 */
export function subjectId({ sub, subHome }: Pick<TrustDraft, 'sub' | 'subHome'>): string {
  return sub === '' ? operatorId({ issuer: subHome, domain: '', thumbprint: '' }) : sub
}
