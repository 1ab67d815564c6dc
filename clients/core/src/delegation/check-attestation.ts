import { type AttestationDemand, meetsAttestation } from '../token/attestation.ts'
import { isGovernedBy } from '../token/check-requirements.ts'
import type { AuthorityRefusal, DelegatedAuthority } from './delegated-authority.ts'

const CHAIN = 'a chain of grants states no results: its last holder must exchange it for a token'
const RESULT = 'one result of the agent that acts must meet the whole demand'
const OPERATOR = 'the agent that acts must be an agent of a trusted operator, which has configured the attestors'

/**
 * Checks whether delegated authority states a result of attestation that meets a demand. The results are those of the
 * agent that acts. Its operator has configured the attestors, so this operator must be trusted, and not only that of
 * the principal. A chain of grants states no results, so it meets no demand.
 *
 * @param demand undefined if nothing is demanded
 * @param operators ids or domains of the trusted operators; empty for all
 * @param nowS Unix seconds
 * @returns the refusal, or undefined if the demand is met
 * @example
 * ```ts
 * import { checkAttestation } from '@auth4agent/core/delegation/check-attestation'
 *
 * const demand = { types: ['tpm'], attestors: [], level: 'hardware', maxAgeS: undefined } as const
 * const refusal = checkAttestation(authority, demand, ['acme.example'], Math.floor(Date.now() / 1_000))
 * ```
 */
export function checkAttestation(
  { claims, parties: [first, ...others] }: Pick<DelegatedAuthority, 'claims' | 'parties'>,
  demand: AttestationDemand | undefined,
  operators: readonly string[],
  nowS: number,
): AuthorityRefusal | undefined {
  if (demand === undefined) return undefined
  if (claims === undefined) return refuse(CHAIN)
  if (!isGovernedBy(operators, others.at(-1) ?? first)) return refuse(OPERATOR)
  return meetsAttestation(claims, demand, nowS) ? undefined : refuse(RESULT)
}

function refuse(rule: string): AuthorityRefusal {
  return { reason: 'ATTESTATION_REQUIRED', rule, hop: undefined }
}
