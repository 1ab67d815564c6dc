import type { GenuineChain, Hop } from '@auth4agent/core/delegation/grant-types'
import type { ChainRefusal, GrantReason } from '@auth4agent/core/delegation/refusal'
import { checkUse } from '@auth4agent/core/delegation/use-chain'
import { parseDid } from '@auth4agent/core/identity/did'
import { isGovernedBy, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { DelegationDemands } from '../domain/verify-request.ts'

/** Why a chain is not valid, and the place of the grant to which the reason applies. */
export interface Refusal {
  readonly reason: Verdict | GrantReason
  readonly hop: number | undefined
}

/**
 * Compares a genuine chain with the demands of a verifier. Every grant of the chain must allow each scope at one of
 * the audiences.
 *
 * @returns undefined if the chain meets all demands.
 */
export function checkChain(
  chain: GenuineChain,
  { audience, scope, operators }: Requirements,
  { args, actors }: DelegationDemands,
): Refusal | undefined {
  for (const each of scope) {
    const refusal = firstUnless(audience.map((at) => checkUse(chain, { audience: at, scope: each, args })))
    if (refusal !== undefined) return refusal
  }
  const principal = chain.hops[0]
  if (principal === undefined || !isGovernedBy(operators, principal)) return { reason: 'OPERATOR_NOT_TRUSTED', hop: 0 }
  const stranger = chain.hops.findIndex((hop) => !isOf(actors, hop))
  return stranger === -1 ? undefined : { reason: 'ACTOR_NOT_TRUSTED', hop: stranger }
}

/**
 * Returns undefined if one audience allows the call. If none does, the refusal of an audience at which the chain has
 * the scope says more than the others.
 */
function firstUnless(refusals: readonly (ChainRefusal | undefined)[]): ChainRefusal | undefined {
  if (refusals.includes(undefined)) return undefined
  return refusals.find((refusal) => refusal?.reason !== 'CAPABILITY_MISSING') ?? refusals[0]
}

function isOf(domains: readonly string[], { did }: Hop): boolean {
  if (domains.length === 0) return true
  const domain = parseDid(did)?.domain
  return domain !== undefined && domains.includes(domain)
}
