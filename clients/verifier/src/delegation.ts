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
   * The DID of the agent that sent the request: the holder of the last grant. The same as `principal` without others.
   */
  readonly actor: string
  /** All agents, the actor last. The principal is the first one, unless it is a user. */
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
  const { chain, claims, parties, principal, identityProvider, capabilities } = authority
  return {
    issuer: chain === undefined ? claims.iss : chain.issuer,
    principal,
    identityProvider,
    actor: (parties.at(-1) ?? parties[0]).did,
    chain: parties.map(({ did, operatorId, id, exp }) => ({ did, operatorId, grantId: id, expires: exp })),
    capabilities: [...capabilities.keys()],
    allows: (scope, args) => authority.checkUses({ audience, scope: readScope(scope) }, args) === undefined,
  }
}
