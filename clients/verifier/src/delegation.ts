import type { DelegatedAuthority } from '@auth4agent/core/delegation/delegated-authority'
import type { Uses } from '@auth4agent/core/delegation/use-chain'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { readScope } from './wanted.ts'

/** One holder in a chain of grants, or one party in a delegated token. */
export interface DelegationHop {
  /** The holder's DID. */
  readonly did: string
  /** The operator of the holder. */
  readonly operatorId: string
  /**
   * The id of the holder's grant: the base64url SHA-256 of its signing input. A revocation names it. If the delegated
   * token comes from an access token, the id of that token.
   */
  readonly grantId: string
  /** When the grant expires, in Unix seconds. A delegated token does not say this: there, when the token expires. */
  readonly expires: number
}

/** Who acts for whom, as a chain of grants or a delegated token says. */
export interface Delegation {
  /** The issuer that says so. */
  readonly issuer: string
  /**
   * Whose authority is used: the DID of the agent that holds the first grant, or a user such as `user:alice`, which is
   * never a DID.
   */
  readonly principal: string
  /** The issuer that vouched for the user in `principal`. Undefined if the principal is an agent. */
  readonly identityProvider: string | undefined
  /**
   * The id of the operator of the user in `principal`. Undefined if the principal is an agent, or a user whom a rule
   * of the administrator maps.
   */
  readonly userOperatorId: string | undefined
  /**
   * Who sent the request: the DID of the agent that holds the last grant, or the `client_id` of a client of a user
   * that is no agent. The same as `principal` without others.
   */
  readonly actor: string
  /** All agents, the last one acts. The principal is the first one, unless it is a user. */
  readonly chain: readonly DelegationHop[]
  /**
   * The names of all capabilities of the last grant or of the token, `<audience>#<scope>` each. Most have constraints,
   * so a name alone allows nothing: ask `allows`.
   */
  readonly capabilities: readonly string[]
  /**
   * Returns whether every grant of the chain, or the token, also allows another call at this service: all scopes in
   * `scope`, which are separated by spaces, with these arguments. It checks neither expiry nor revocation again.
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

/** Tells who acts for whom, by authority that was accepted for the audiences in `demands`. */
export function toDelegation(authority: DelegatedAuthority, { audience }: Pick<Uses, 'audience'>): Delegation {
  const { chain, claims, agents, principal, identityProvider, userOperatorId, actor, capabilities } = authority
  return {
    issuer: chain === undefined ? claims.iss : chain.issuer,
    principal,
    identityProvider,
    userOperatorId,
    actor,
    chain: agents.map(({ did, operatorId, id, exp }) => ({ did, operatorId, grantId: id, expires: exp })),
    capabilities: [...capabilities.keys()],
    allows: (scope, args) => authority.checkUses({ audience, scope: readScope(scope) }, args) === undefined,
  }
}
