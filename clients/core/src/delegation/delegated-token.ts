import type { JsonObject } from '../encoding/strict-json.ts'
import { parseDid } from '../identity/did.ts'
import { type GenuineToken, type KeyFinder, type KeyRule, readTokenJws, verifyRead } from '../token/access-token.ts'
import { trustOf } from '../token/token-identity.ts'
import { type ChainLookup, chainLookups, type GrantIdentity, identityOf } from './chain-lookups.ts'
import type { Capabilities } from './constraint.ts'
import { type DelegatedClaims, parseDelegatedClaims } from './delegated-claims.ts'
import { UNCONSTRAINED } from './parse-capabilities.ts'
import { type ActorClaims, isUserPayload, parseUserClaims } from './user-claims.ts'

/** A genuine delegated token, and the `kid` of the key that signed it. */
export interface DelegatedToken {
  readonly claims: ActorClaims
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
): Promise<GenuineToken<ActorClaims>> {
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
export function readDelegatedClaims(payload: JsonObject): ActorClaims | undefined {
  return isUserPayload(payload) ? parseUserClaims(payload) : parseDelegatedClaims(payload)
}

/**
 * Returns every party of a genuine delegated token that stands under an operator, the principal first and the one that
 * acts last. A user whom a rule of the administrator maps is no such party, and neither is a client that is no agent.
 * `id` and `kid` are those of the party's grant, or of the token. `did` of a user is the subject, such as
 * `user:alice`.
 *
 * @example
 * ```ts
 * import { partiesOf } from '@auth4agent/core/delegation/delegated-token'
 *
 * const isParty = partiesOf(token).some(({ did }) => did === own)
 * ```
 */
export function partiesOf({ claims, kid }: DelegatedToken): readonly GrantIdentity[] {
  const { provider, user, lineage, sub, client_id: client, operator_id: operatorId, epoch, jti: id } = claims
  if (provider === undefined) return lineage
  const isAgent = parseDid(client) !== undefined
  return [
    ...(user ? [{ did: sub, ...user, id, kid }] : []),
    ...(isAgent ? [{ did: client, operatorId, epoch, id, kid }] : []),
  ]
}

/**
 * Returns the look-ups of a genuine token for a user, as `delegatedLookups` does for tokens between agents. The token
 * is a token of each of its parties, and ends with its edges and with the identity provider too.
 *
 * @example
 * ```ts
 * import { userLookups } from '@auth4agent/core/delegation/delegated-token'
 *
 * const ended = userLookups(token).find(({ token: identity }) => state.lookup(identity) !== undefined)
 * ```
 */
export function userLookups(token: DelegatedToken): readonly ChainLookup[] {
  const { provider, user } = token.claims
  const trust = { ...trustOf(token.claims), ...(provider !== undefined && { provider }) }
  return partiesOf(token).map((party, place) => {
    const hop = user === undefined ? 1 : place
    return { hop, token: { ...identityOf(party, party.id), ...(place === 0 && trust) } }
  })
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
