import { checkAttestation } from '@auth4agent/core/delegation/check-attestation'
import type { AuthorityRefusal, DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import { parseDid } from '@auth4agent/core/identity/did'
import { isGovernedBy, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { DelegationDemands } from '../domain/verify-request.ts'

/** Why delegated authority is not valid, and the place of the party to which the reason applies. */
export type Refusal = Pick<AuthorityRefusal, 'reason' | 'hop'>

/**
 * Compares the parties of genuine delegated authority, and what it states about the agent that acts, with the demands
 * of a verifier.
 *
 * @param nowS Unix seconds
 */
export function checkHolders(
  authority: Pick<DelegatedAuthority, 'parties' | 'claims'>,
  { operators, attestation }: Requirements,
  { actors }: DelegationDemands,
  nowS: number,
): Refusal | undefined {
  const { parties } = authority
  if (!isGovernedBy(operators, parties[0])) return { reason: 'OPERATOR_NOT_TRUSTED', hop: 0 }
  const stranger = parties.findIndex((party) => !isOf(actors, party))
  if (stranger !== -1) return { reason: 'ACTOR_NOT_TRUSTED', hop: stranger }
  return checkAttestation(authority, attestation, operators, nowS)
}

function isOf(domains: readonly string[], { did }: { readonly did: string }): boolean {
  if (domains.length === 0) return true
  const domain = parseDid(did)?.domain
  return domain !== undefined && domains.includes(domain)
}
