import { isGovernedBy } from '../token/check-requirements.ts'
import type { AuthorityRefusal, DelegatedAuthority } from './delegated-authority.ts'

/** Whose agents a verifier accepts in a delegation. */
interface HolderDemands {
  /** Ids or domains of the operators that may be the principal's. Empty for every operator. */
  readonly operators: readonly string[]
  /**
   * Ids or domains of the operators that may be those of any holder, the principal's too. `*` is every operator. Empty
   * for those in `operators`.
   */
  readonly actors: readonly string[]
}

/** The entry of `actors` for every operator. */
export const ANY_ACTOR = '*'

/**
 * Checks whether every party of delegated authority is an agent of an accepted operator. Without `actors`, the
 * operators that a verifier trusts bind all parties, because each of them uses the service or has let others use it.
 *
 * @returns the refusal of the first party that is not accepted, or undefined if all are
 * @example
 * ```ts
 * import { checkHolders } from '@auth4agent/core/delegation/check-holders'
 *
 * const actors = ['acme.example', 'partner.example']
 * const refusal = checkHolders(authority, { operators: ['acme.example'], actors })
 * ```
 */
export function checkHolders(
  { parties }: Pick<DelegatedAuthority, 'parties'>,
  { operators, actors }: HolderDemands,
): AuthorityRefusal | undefined {
  if (!isGovernedBy(operators, parties[0])) {
    return { reason: 'OPERATOR_NOT_TRUSTED', hop: 0, rule: 'the holder must be an agent of a trusted operator' }
  }
  if (actors.includes(ANY_ACTOR)) return undefined
  const accepted = actors.length === 0 ? operators : actors
  const hop = parties.findIndex((party) => !isGovernedBy(accepted, party))
  const rule = `the holder must be an agent of ${accepted.join(' or ')}`
  return hop === -1 ? undefined : { reason: 'ACTOR_NOT_TRUSTED', hop, rule }
}
