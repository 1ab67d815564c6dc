import type { TrustGrant } from '@auth4agent/core/trust/statement'
import type { TrustStatement } from '../../../../gen/prisma/client.ts'

/**
 * What a statement allows to whom, and where and how long. The names of its parties belong to it, because a domain of
 * another deployment can claim the id of any operator.
 */
export interface Extent
  extends Pick<TrustStatement, 'domain' | 'subjectHome' | 'subjectDomain' | 'depth' | 'aud' | 'expiresAt'> {
  readonly grants: readonly TrustGrant[]
}

/**
 * Tells whether the next statement of the same signer, kind and subject allows less than the one before. Then tokens
 * that the one before allowed must end.
 */
export function allowsLess(next: Extent, before: Extent): boolean {
  return (
    next.domain !== before.domain ||
    next.subjectHome !== before.subjectHome ||
    next.subjectDomain !== before.subjectDomain ||
    next.depth < before.depth ||
    next.expiresAt < before.expiresAt ||
    !before.aud.every((issuer) => next.aud.includes(issuer)) ||
    !before.grants.every((grant) => covers(next.grants, grant))
  )
}

function covers(grants: readonly TrustGrant[], { audience, scopes }: TrustGrant): boolean {
  // A grant without audience is for every audience.
  const same = grants.find((grant) => grant.audience === audience || grant.audience === '')
  return (
    same !== undefined &&
    Object.entries(scopes).every(([scope, effective]) => {
      const given = Object.hasOwn(same.scopes, scope) ? (same.scopes[scope] ?? []) : []
      return effective.every((each) => given.includes(each))
    })
  )
}
