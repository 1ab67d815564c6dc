import { checkAttestation } from '@auth4agent/core/delegation/check-attestation'
import { checkHolders as checkOperators } from '@auth4agent/core/delegation/check-holders'
import type { AuthorityRefusal, DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
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
  return checkOperators(authority, { operators, actors }) ?? checkAttestation(authority, attestation, operators, nowS)
}
