import type { AuthorityRefusal, DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { parseDid } from '@auth4agent/core/identity/did'
import { isGovernedBy, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { DelegationDemands } from '../domain/verify-request.ts'

/** Why delegated authority is not valid, and the place of the party to which the reason applies. */
export type Refusal = Pick<AuthorityRefusal, 'reason' | 'hop'>

/** Compares the parties of genuine delegated authority with the demands of a verifier. */
export function checkHolders(
  { parties }: Pick<DelegatedAuthority, 'parties'>,
  { operators }: Requirements,
  { actors }: DelegationDemands,
): Refusal | undefined {
  if (!isGovernedBy(operators, parties[0])) return { reason: 'OPERATOR_NOT_TRUSTED', hop: 0 }
  const stranger = parties.findIndex((party) => !isOf(actors, party))
  return stranger === -1 ? undefined : { reason: 'ACTOR_NOT_TRUSTED', hop: stranger }
}

function isOf(domains: readonly string[], { did }: { readonly did: string }): boolean {
  if (domains.length === 0) return true
  const domain = parseDid(did)?.domain
  return domain !== undefined && domains.includes(domain)
}
