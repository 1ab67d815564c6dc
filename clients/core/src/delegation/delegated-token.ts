import type { JsonObject } from '../encoding/strict-json.ts'
import { type GenuineToken, type KeyFinder, type KeyRule, readTokenJws, verifyRead } from '../token/access-token.ts'
import { trustOf } from '../token/token-identity.ts'
import { type ChainLookup, chainLookups, type GrantIdentity } from './chain-lookups.ts'
import type { Capabilities } from './constraint.ts'
import { type DelegatedClaims, parseDelegatedClaims } from './delegated-claims.ts'
import { UNCONSTRAINED } from './parse-capabilities.ts'
import { isUserPayload, parseUserClaims } from './user-claims.ts'

/** A genuine delegated token, and the `kid` of the key that signed it. */
export interface DelegatedToken {
  readonly claims: DelegatedClaims
  readonly kid: string
}

/**
 * Decides whether a text is a genuine delegated token of this issuer, as `verifyAccessToken` does for other access
 * tokens. It does not check expiry and revocation, nor whether the presenter holds the key in `cnf`. Rejects if `keys`
 * rejects.
 *
 * @example
 * ```ts
 * import { verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
 *
 * const token = await verifyDelegatedToken(text, 'https://auth.example', keys)
 * if ('claims' in token) console.log(`${token.claims.client_id} acts for ${token.claims.sub}`)
 * ```
 */
export async function verifyDelegatedToken(
  text: string,
  issuer: string,
  keys: KeyFinder,
  rule?: KeyRule,
): Promise<GenuineToken<DelegatedClaims>> {
  const jws = readTokenJws(text)
  if ('verdict' in jws) return jws
  const claims = readDelegatedClaims(jws.payload)
  return claims === undefined ? { verdict: 'MALFORMED_TOKEN' } : verifyRead({ jws, claims }, issuer, keys, rule)
}

/**
 * Reads the payload of a delegated token strictly, whether its principal is an agent or a user.
 *
 * @example
 * ```ts
 * import { readDelegatedClaims } from '@auth4agent/core/delegation/delegated-token'
 *
 * const principal = readDelegatedClaims(jws.payload)?.sub
 * ```
 */
export function readDelegatedClaims(payload: JsonObject): DelegatedClaims | undefined {
  return isUserPayload(payload) ? parseUserClaims(payload) : parseDelegatedClaims(payload)
}

/**
 * Returns every agent in a genuine delegated token, the agent that acts last. In a token between agents, the principal
 * is the first one. `id` and `kid` are those of its grant, or of the token.
 *
 * @example
 * ```ts
 * import { agentsOf } from '@auth4agent/core/delegation/delegated-token'
 *
 * const isParty = agentsOf(token).some(({ did }) => did === own)
 * ```
 */
export function agentsOf({ claims, kid }: DelegatedToken): readonly GrantIdentity[] {
  const { provider, lineage, client_id: did, operator_id: operatorId, epoch, jti: id } = claims
  return provider === undefined ? lineage : [{ did, operatorId, epoch, id, kid }]
}

/**
 * Returns the look-ups of a genuine token for a user, as `delegatedLookups` does for tokens between agents. The token
 * is a token of the agent that acts, and ends with the rule about the user and with the identity provider too.
 *
 * @example
 * ```ts
 * import { userLookups } from '@auth4agent/core/delegation/delegated-token'
 *
 * const ended = userLookups(token).find(({ token: identity }) => state.lookup(identity) !== undefined)
 * ```
 */
export function userLookups(token: DelegatedToken): readonly ChainLookup[] {
  const { provider } = token.claims
  const trust = { ...trustOf(token.claims), ...(provider !== undefined && { provider }) }
  return chainLookups({ hops: agentsOf(token) }).map(({ token: agent }) => ({ hop: 1, token: { ...agent, ...trust } }))
}

/**
 * Returns everything that a genuine delegated token allows, as the capabilities of a grant: each of its scopes without
 * constraints at each of its audiences, and its details.
 *
 * @example
 * ```ts
 * import { capabilitiesOf } from '@auth4agent/core/delegation/delegated-token'
 *
 * const isAllowed = capabilitiesOf(claims).has('https://api.acme.test#orders:read')
 * ```
 */
export function capabilitiesOf({
  aud,
  scope,
  details,
}: Pick<DelegatedClaims, 'aud' | 'scope' | 'details'>): Capabilities {
  const scopes = scope === '' ? [] : scope.split(' ')
  const unconstrained = aud.flatMap((audience) => scopes.map((each) => [`${audience}#${each}`, UNCONSTRAINED] as const))
  return new Map([...details, ...unconstrained])
}

/**
 * Returns the look-ups that decide whether a genuine delegated token is revoked: none of them may find anything. They
 * are those of a chain whose last grant is the token itself. Its place is the number of parties.
 *
 * @example
 * ```ts
 * import { delegatedLookups } from '@auth4agent/core/delegation/delegated-token'
 *
 * const ended = delegatedLookups(token).find(({ token }) => state.lookup(token) !== undefined)
 * ```
 */
export function delegatedLookups({
  claims,
  kid,
}: {
  readonly claims: Pick<DelegatedClaims, 'lineage' | 'jti' | 'edges'>
  readonly kid: string
}): readonly ChainLookup[] {
  const { lineage, jti: id } = claims
  const last = lineage.at(-1)
  if (last === undefined) return []
  const trust = trustOf(claims)
  return chainLookups({ hops: [...lineage, { ...last, id, kid }] }).map(({ hop, token }) =>
    hop === lineage.length ? { hop, token: { ...token, ...trust } } : { hop, token },
  )
}
