import type { GenuineChain, Hop } from '@auth4agent/core/delegation/grant-types'
import type { GrantReason } from '@auth4agent/core/delegation/refusal'
import { parseDid } from '@auth4agent/core/identity/did'
import { isGovernedBy, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { DelegationDemands } from '../domain/verify-request.ts'

/** Why a chain is not valid, and the place of the grant to which the reason applies. */
export interface Refusal {
  readonly reason: Verdict | GrantReason
  readonly hop: number | undefined
}

/** Compares the holders of a genuine chain with the demands of a verifier. */
export function checkHolders(
  { hops }: Pick<GenuineChain, 'hops'>,
  { operators }: Requirements,
  { actors }: DelegationDemands,
): Refusal | undefined {
  const principal = hops[0]
  if (principal === undefined || !isGovernedBy(operators, principal)) return { reason: 'OPERATOR_NOT_TRUSTED', hop: 0 }
  const stranger = hops.findIndex((hop) => !isOf(actors, hop))
  return stranger === -1 ? undefined : { reason: 'ACTOR_NOT_TRUSTED', hop: stranger }
}

function isOf(domains: readonly string[], { did }: Hop): boolean {
  if (domains.length === 0) return true
  const domain = parseDid(did)?.domain
  return domain !== undefined && domains.includes(domain)
}
