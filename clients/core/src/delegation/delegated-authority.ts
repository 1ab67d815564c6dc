import type { JsonObject } from '../encoding/strict-json.ts'
import { checkTimes } from '../token/access-token.ts'
import type { Verdict } from '../token/verdicts.ts'
import { type ChainLookup, chainLookups, type GrantIdentity } from './chain-lookups.ts'
import { checkChainTimes } from './chain-times.ts'
import type { Capabilities } from './constraint.ts'
import { capabilitiesOf, type DelegatedToken, delegatedLookups, partiesOf, userLookups } from './delegated-token.ts'
import type { GenuineChain } from './grant-types.ts'
import type { GrantReason } from './refusal.ts'
import { checkCapabilities, checkUses, type Uses } from './use-chain.ts'
import type { ActorClaims } from './user-claims.ts'

/** Why delegated authority is refused. */
export interface AuthorityRefusal {
  readonly reason: Verdict | GrantReason
  /** What is required beyond the text of the reason, in one sentence without a capital and a full stop. */
  readonly rule?: string
  /** The place of the party, 0 for the principal. Undefined if the reason is about the whole chain or the token. */
  readonly hop: number | undefined
}

/** A party of a delegation, with what gave it its authority. */
interface AuthorityParty extends GrantIdentity {
  /** When its grant expires, in Unix seconds. A delegated token has no such times: there it is that of the token. */
  readonly exp: number
}

/** What genuine chains and genuine delegated tokens have in common. Both may be expired or revoked. */
interface Common {
  /**
   * The parties that stand under an operator: the principal first, the one that acts last. A root grant alone has one
   * party. `partiesOf` says which parties a token for a user has.
   */
  readonly parties: readonly [AuthorityParty, ...AuthorityParty[]]
  /** The parties that are agents. */
  readonly agents: readonly AuthorityParty[]
  /** Whose authority is used: the DID of the first party, or a user such as `user:alice`. */
  readonly principal: string
  /** The issuer that vouched for a user; undefined if the principal is an agent. */
  readonly identityProvider: string | undefined
  /**
   * The operator of a user; undefined if the principal is an agent, or a user whom a rule of the administrator maps.
   */
  readonly userOperatorId: string | undefined
  /** Who acts: the DID of an agent, or the `client_id` of a client that is none. */
  readonly actor: string
  /**
   * RFC 7638 thumbprint of the key of the one who acts. Only with a proof of this key it may be used. Undefined for
   * the bearer token of a client that is no agent.
   */
  readonly jkt: string | undefined
  /** When it expires, in Unix seconds. */
  readonly exp: number
  /** What it allows at most. The grants above may constrain it further, so ask `checkUses`. */
  readonly capabilities: Capabilities
  /** Returns the look-ups in the revocation log. None of them may find anything. */
  lookups(): readonly (Omit<ChainLookup, 'hop'> & Pick<AuthorityRefusal, 'hop'>)[]
  /** Compares all times with a clock, allowing `skewS` seconds in both directions. */
  checkTimes(nowS: number, skewS: number): AuthorityRefusal | undefined
  /** Checks whether it has every scope, before the arguments are known. */
  checkCapabilities(uses: Uses): AuthorityRefusal | undefined
  /** Checks a call with its arguments; undefined if they are not known. */
  checkUses(uses: Uses, args: JsonObject | undefined): AuthorityRefusal | undefined
}

/**
 * Authority with which an agent acts for another one: a genuine chain of grants, or a genuine delegated token. It may
 * be expired or revoked.
 */
export type DelegatedAuthority = Common &
  (
    | { readonly chain: GenuineChain; readonly claims: undefined }
    | { readonly chain: undefined; readonly claims: ActorClaims }
  )

/**
 * Returns the authority in a genuine chain of grants.
 *
 * @example
 * ```ts
 * import { authorityOfChain } from '@auth4agent/core/delegation/delegated-authority'
 *
 * const refusal = authorityOfChain(chain).checkTimes(Date.now() / 1_000, 10)
 * ```
 */
export function authorityOfChain(chain: GenuineChain): DelegatedAuthority {
  const [principal, ...others] = chain.hops
  const last = others.at(-1) ?? principal
  // Never happens: a genuine chain has a grant.
  if (principal === undefined || last === undefined) throw new RangeError('A chain must have at least one grant')
  return {
    chain,
    claims: undefined,
    parties: [principal, ...others],
    agents: chain.hops,
    principal: principal.did,
    identityProvider: undefined,
    userOperatorId: undefined,
    actor: last.did,
    jkt: last.jkt,
    // No grant expires after its parent or after the statement about its holder.
    exp: last.exp,
    capabilities: last.capabilities,
    lookups: () => chainLookups(chain),
    checkTimes: (nowS, skewS) => checkChainTimes(chain, nowS, skewS),
    checkCapabilities: (uses) => checkCapabilities(chain, uses),
    checkUses: (uses, args) => checkUses(chain, uses, args),
  }
}

/**
 * Returns the authority in a genuine delegated token.
 *
 * @example
 * ```ts
 * import { authorityOfToken } from '@auth4agent/core/delegation/delegated-authority'
 *
 * const { principal } = authorityOfToken(token)
 * ```
 */
export function authorityOfToken(token: DelegatedToken): DelegatedAuthority {
  const { claims } = token
  const [first, ...others] = partiesOf(token).map(({ did, operatorId, epoch, id, kid }): AuthorityParty => {
    return { did, operatorId, epoch, id, kid, exp: claims.exp }
  })
  // Never happens: the reader of the claims demands two parties, or an agent or operator of a user.
  if (first === undefined) throw new RangeError('A delegated token must have parties')
  const parties = [first, ...others] as const
  const capabilities = capabilitiesOf(claims)
  const allowing = { hops: [{ capabilities }] }
  return {
    chain: undefined,
    claims,
    parties,
    agents: claims.user === undefined ? parties : others,
    principal: claims.sub,
    identityProvider: claims.provider?.issuer,
    userOperatorId: claims.user?.operatorId,
    actor: claims.client_id,
    jkt: claims.cnf?.jkt,
    exp: claims.exp,
    capabilities,
    lookups: () =>
      (claims.provider === undefined ? delegatedLookups(token) : userLookups(token)).map(
        ({ hop, token: identity }) => ({
          token: identity,
          hop: hop < parties.length ? hop : undefined,
        }),
      ),
    checkTimes(nowS, skewS) {
      const reason = checkTimes(claims, nowS, skewS)
      const rule = `the time must be at least ${claims.nbf} and before ${claims.exp}`
      return reason && { reason, rule, hop: undefined }
    },
    checkCapabilities: (uses) => ofToken(checkCapabilities(allowing, uses)),
    checkUses: (uses, args) => ofToken(checkUses(allowing, uses, args)),
  }
}

/** The token alone allows a call, so no place of a party says more. */
function ofToken(refusal: AuthorityRefusal | undefined): AuthorityRefusal | undefined {
  return refusal && { ...refusal, hop: undefined }
}
