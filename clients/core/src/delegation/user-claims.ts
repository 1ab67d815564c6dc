import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { isUserSubject } from '../identity/user-subject.ts'
import type { IssuerGeneration } from '../revocation/revocation-log.ts'
import { parseAccessTokenClaims } from '../token/claims.ts'
import type { DelegatedClaims } from './delegated-claims.ts'

/**
 * Claims of a token with which an agent acts for a user for whom an identity provider has vouched. `edges` has the
 * rule that maps the user.
 */
export interface UserClaims extends DelegatedClaims {
  readonly edges: readonly string[]
  readonly provider: IssuerGeneration
}

/**
 * Longest lifetime of a token for a user, in seconds, because no log says when its identity provider ends the user.
 */
const MAX_USER_TOKEN_TTL_S = 300

const MAX_INT32 = 2_147_483_647

/**
 * Returns the payload of a token for a user. A version that does not know such tokens refuses it: the subject is no
 * DID, and the claim `a4a_user` is unknown.
 *
 * @example
 * ```ts
 * import { formatUserClaims } from '@auth4agent/core/delegation/user-claims'
 *
 * const token = await sign(formatUserClaims(claims))
 * ```
 */
export function formatUserClaims({ lineage: _lineage, details: _details, provider, ...claims }: UserClaims) {
  const { issuer: iss, generation } = provider
  return { ...claims, act: { sub: claims.client_id }, a4a_user: { iss, generation } }
}

/**
 * Tells whether a payload is that of a token for a user.
 *
 * @example
 * ```ts
 * import { isUserPayload, parseUserClaims } from '@auth4agent/core/delegation/user-claims'
 *
 * const user = isUserPayload(payload) ? parseUserClaims(payload)?.sub : undefined
 * ```
 */
export function isUserPayload(payload: JsonObject): boolean {
  return Object.hasOwn(payload, 'a4a_user')
}

/**
 * Reads the payload of a token for a user strictly, as `parseDelegatedClaims` does for tokens between agents.
 *
 * @returns the claims, or undefined if anything is wrong.
 * @example
 * ```ts
 * import { parseUserClaims } from '@auth4agent/core/delegation/user-claims'
 *
 * const user = parseUserClaims(jws.payload)?.sub
 * ```
 */
export function parseUserClaims(payload: JsonObject): UserClaims | undefined {
  // A newer version may restrict the token in a way that this version cannot enforce.
  if (Object.keys(payload).some((name) => name.startsWith('a4a_') && name !== 'a4a_user')) return undefined
  if (Object.hasOwn(payload, 'authorization_details')) return undefined
  const { act, a4a_user: user, sub, ...rest } = payload
  const agent = parseAccessTokenClaims({ ...rest, sub: rest['client_id'] })
  const provider = readProvider(user)
  if (agent === undefined || provider === undefined || typeof sub !== 'string' || !isUserSubject(sub)) return undefined
  const { cnf, edges, home, may_act: mayAct } = agent
  if (cnf === undefined || edges === undefined || home !== undefined || mayAct !== undefined) return undefined
  if (agent.exp - agent.iat > MAX_USER_TOKEN_TTL_S || !isActor(act, agent.client_id)) return undefined
  return { ...agent, sub, cnf, edges, provider, lineage: [], details: new Map() }
}

/** An object may have no other member. */
function isActor(act: unknown, did: string): boolean {
  return isJsonObject(act) && Object.keys(act).length === 1 && act['sub'] === did
}

/** Accepts no other member, because this version cannot enforce it. */
function readProvider(user: unknown): IssuerGeneration | undefined {
  if (!isJsonObject(user) || Object.keys(user).length !== 2) return undefined
  const { iss: issuer, generation } = user
  if (typeof issuer !== 'string' || issuer === '' || issuer.length > 2048) return undefined
  if (typeof generation !== 'number' || !Number.isInteger(generation)) return undefined
  return generation >= 1 && generation <= MAX_INT32 ? { issuer, generation } : undefined
}
