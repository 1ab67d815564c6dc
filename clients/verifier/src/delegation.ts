import type { GenuineChain } from '@auth4agent/core/delegation/grant-types'
import { checkUses, type Uses } from '@auth4agent/core/delegation/use-chain'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { readScope } from './wanted.ts'

/** One holder in a chain of grants. */
export interface DelegationHop {
  /** The holder's DID. */
  readonly did: string
  /** The operator of the holder. */
  readonly operatorId: string
  /** The id of the holder's grant: the base64url SHA-256 of its signing input. A revocation names it. */
  readonly grantId: string
  /** When the grant expires, in Unix seconds. */
  readonly expires: number
}

/** Who acts for whom, as a chain of grants says. */
export interface Delegation {
  /** The DID of the agent whose authority is used: the holder of the first grant. */
  readonly principal: string
  /**
   * The DID of the agent that sent the request: the holder of the last grant. The same as `principal` without others.
   */
  readonly actor: string
  /** All holders, the principal first and the actor last. */
  readonly chain: readonly DelegationHop[]
  /**
   * The names of all capabilities of the last grant, `<audience>#<scope>` each. Most have constraints, so a name alone
   * allows nothing: ask `allows`.
   */
  readonly capabilities: readonly string[]
  /**
   * Returns whether every grant of the chain also allows another call at this service: all scopes in `scope`, which
   * are separated by spaces, with these arguments. It checks neither expiry nor revocation again.
   *
   * Throws TypeError for a scope that is empty or malformed.
   *
   * @example
   *
   * ```ts
   * if (!delegation.allows('refund', { amount: 20 })) throw new Error('The agent may not refund 20')
   * ```
   */
  allows(scope: string, args?: JsonObject): boolean
}

/** Tells who acts for whom in a chain that was accepted for the audiences in `demands`. */
export function toDelegation(genuine: GenuineChain, { audience }: Pick<Uses, 'audience'>): Delegation {
  const chain = genuine.hops.map(({ did, operatorId, id, exp }) => ({ did, operatorId, grantId: id, expires: exp }))
  const [principal, actor, last] = [chain[0], chain.at(-1), genuine.hops.at(-1)]
  // Never happens: a genuine chain has a grant.
  if (principal === undefined || actor === undefined || last === undefined) throw new RangeError('The chain is empty')
  return {
    principal: principal.did,
    actor: actor.did,
    chain,
    capabilities: [...last.capabilities.keys()],
    allows: (scope, args) => checkUses(genuine, { audience, scope: readScope(scope) }, args) === undefined,
  }
}
