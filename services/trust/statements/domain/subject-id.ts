import { operatorId } from '@auth4agent/core/identity/operator-id'
import type { TrustDraft } from '@auth4agent/core/trust/statement'

/**
 * Returns the id under which a statement's subject is kept: the operator `sub`, or for `chains-to` the operator id
 * that the issuer alone would have, without domain and root key.
 */
export function subjectId({ sub, subHome }: Pick<TrustDraft, 'sub' | 'subHome'>): string {
  return sub === '' ? operatorId({ issuer: subHome, domain: '', thumbprint: '' }) : sub
}
