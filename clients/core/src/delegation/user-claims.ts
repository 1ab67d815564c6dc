import { isJsonObject, type JsonObject } from '../encoding/strict-json.ts'
import { isUuid } from '../encoding/uuid.ts'
import { isRegisteredClient, isUrlClient } from '../identity/client-id.ts'
import { parseDid } from '../identity/did.ts'
import { isUserSubject } from '../identity/user-subject.ts'
import type { IssuerGeneration } from '../revocation/revocation-log.ts'
import { type AccessTokenClaims, type Confirmation, readTokenClaims } from '../token/claims.ts'
import type { DelegatedClaims, UserStanding } from './delegated-claims.ts'
import { EPOCHS } from './grant-forms.ts'

/**
 * Claims of a token with which a client acts for a user for whom an identity provider has vouched. `edges` has what
 * lets the user and the client do so.
 *
 * The client is an agent, or a program that is none. For an agent, `operator_id`, `epoch` and `cnf` are its own. For
 * another program, `operator_id` and `epoch` are those of the user, and the token may be a bearer token.
 */
export interface UserClaims extends Omit<DelegatedClaims, 'cnf'> {
  readonly cnf?: Confirmation
  readonly edges: readonly string[]
  readonly provider: IssuerGeneration
}

/** Claims of a token in which somebody acts for its subject: for an agent or for a user. */
export type ActorClaims = DelegatedClaims | UserClaims

/** Longest lifetime of a token for a user, in seconds. A refresh token keeps the client connected for longer. */
const MAX_USER_TOKEN_TTL_S = 300

const MAX_INT32 = 2_147_483_647

/**
 * Returns the payload of a token for a user. A version that does not know such tokens refuses it: the subject is no
 * DID, and the claim `a4a_user` is unknown or has members that it does not know.
 *
 * @example
 * ```ts
 * import { formatUserClaims } from '@auth4agent/core/delegation/user-claims'
 *
 * const token = await sign(formatUserClaims(claims))
 * ```
 */
export function formatUserClaims({ lineage: _lineage, details: _details, provider, user, ...claims }: UserClaims) {
  const { issuer: iss, generation } = provider
  const standing = user && { operator_id: user.operatorId, epoch: user.epoch }
  return { ...claims, act: { sub: claims.client_id }, a4a_user: { iss, generation, ...standing } }
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
  const { act, a4a_user: vouched, sub, client_id: client } = payload
  if (typeof sub !== 'string' || !isUserSubject(sub) || typeof client !== 'string') return undefined
  const claims = readTokenClaims(payload, client)
  const read = readVouched(vouched)
  if (claims === undefined || read === undefined || !isActor(act, client)) return undefined
  const { edges, home, may_act: mayAct, ...rest } = claims
  if (edges === undefined || home !== undefined || mayAct !== undefined) return undefined
  if (claims.exp - claims.iat > MAX_USER_TOKEN_TTL_S || !isClientOf(claims, read.user)) return undefined
  return { ...rest, sub, edges, ...read, lineage: [], details: new Map() }
}

/** An agent has its own operator and key. Every other client stands under the user, of whom the claims then are. */
function isClientOf(claims: AccessTokenClaims, user: UserStanding | undefined): boolean {
  const { client_id: client, cnf, operator_id: operatorId, epoch } = claims
  if (parseDid(client) !== undefined) return cnf !== undefined
  if (user === undefined || !(isUrlClient(client) || isRegisteredClient(client))) return false
  if (claims.agent_key !== undefined || claims.attestation !== undefined) return false
  return operatorId === user.operatorId && epoch.every((each, at) => each === user.epoch[at])
}

/** An object may have no other member. */
function isActor(act: unknown, client: string): boolean {
  return isJsonObject(act) && Object.keys(act).length === 1 && act['sub'] === client
}

/**
 * Reads who vouched for the user, and under which operator the user stands: none if a rule of the administrator maps
 * the user. Accepts no other member, because this version cannot enforce it.
 */
function readVouched(value: unknown): Pick<UserClaims, 'provider' | 'user'> | undefined {
  if (!isJsonObject(value)) return undefined
  const { iss: issuer, generation, ...others } = value
  if (typeof issuer !== 'string' || issuer === '' || issuer.length > 2048) return undefined
  if (typeof generation !== 'number' || !Number.isInteger(generation)) return undefined
  if (generation < 1 || generation > MAX_INT32) return undefined
  const provider = { issuer, generation }
  if (Object.keys(others).length === 0) return { provider }
  const { operator_id: operatorId, epoch, ...unknown } = others
  if (Object.keys(unknown).length > 0 || typeof operatorId !== 'string' || !isUuid(operatorId)) return undefined
  return EPOCHS.holds(epoch) ? { provider, user: { operatorId, epoch } } : undefined
}
