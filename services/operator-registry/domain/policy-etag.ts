import { createHash } from 'node:crypto'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { OperatorPolicy } from './parse-policy.ts'
import type { UserAccess } from './user-access.ts'

/** Returns the etag of a policy (AIP-154): equal policies have equal etags, whenever they were set. */
export function etagOf(policy: OperatorPolicy): string {
  const { audiences, requireBoundChallenges, requireBodyDigest, hideAllowedScopes, delegateTo, maxGrantTtl } = policy
  const { usersTo } = policy
  const rules = audiences
    .map(({ audience, callers, tokenSigningAlg, dpop, tokenStatus, users }) =>
      JSON.stringify([audience, callers, tokenSigningAlg, dpop, tokenStatus, users && membersOf(users)]),
    )
    .toSorted()
  const members = [
    rules,
    requireBoundChallenges,
    requireBodyDigest,
    hideAllowedScopes,
    delegateTo,
    maxGrantTtl,
    usersTo,
  ]
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

function membersOf({ domains, scopes, clients, maxDays, device }: UserAccess): readonly unknown[] {
  return [
    domains,
    scopes.map(({ name, words, groups, isDefault }) => [name, words, groups, isDefault]),
    clients,
    maxDays,
    // A rule without it keeps the etag that it had before the member existed.
    ...(device ? [device] : []),
  ]
}

/**
 * Refuses a change that was made from another version of the policy. A request without an etag is never refused, and
 * neither is the repetition of a request that has already succeeded.
 *
 * @throws ApiError POLICY_CHANGED
 */
export function refuseIfChanged(expected: string, current: OperatorPolicy, wanted: OperatorPolicy): void {
  if (expected === '' || expected === etagOf(current) || etagOf(wanted) === etagOf(current)) return
  throw new ApiError('POLICY_CHANGED', 'The policy has changed since; read it again, and repeat the change')
}
