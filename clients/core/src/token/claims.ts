import { decodeBase64url } from '../encoding/base64.ts'
import { isJsonObject } from '../encoding/strict-json.ts'
import { isUuid } from '../encoding/uuid.ts'
import { parseDid } from '../identity/did.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'
import { isAttestation, type TokenAttestation } from './attestation.ts'
import { isEdges } from './edges.ts'
import { isScopeString } from './scope.ts'
import { isTokenStatus, type TokenStatus } from './status.ts'

/** Longest accepted text of a token. */
export const MAX_TOKEN_BYTES = 16_384
/** `typ` of an access token (RFC 9068 section 2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'
/** Longest lifetime of a token, in seconds. The server never issues a token with a longer lifetime. */
export const MAX_TOKEN_TTL_S = 3600

/** Claims of a token: docs/protocol.md section 7 and RFC 9068. Times are in Unix seconds. */
export interface AccessTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: readonly string[]
  readonly scope: string
  readonly operator_id: string
  readonly iat: number
  readonly nbf: number
  readonly exp: number
  readonly jti: string
  readonly client_id: string
  /** Epochs of the agent and operator at the time of issue. */
  readonly epoch: readonly [agent: number, operator: number]
  /** The key that the token is bound to (RFC 7800). A bearer token has no such claim. */
  readonly cnf?: Confirmation
  /**
   * RFC 7638 thumbprint of the added key with which the agent obtained the token. Absent if the identity key did.
   */
  readonly agent_key?: string
  /** The agent that may exchange the token and then act for its subject (RFC 8693 section 4.4). It needs `cnf`. */
  readonly may_act?: Party
  /** Ids of the edges of trust through which the token was issued. If one of them ends, the token ends. */
  readonly edges?: readonly string[]
  /**
   * The token of another issuer for which this token was issued. The subject belongs to that issuer, so nobody may
   * exchange this token: it has neither `may_act` nor `act`.
   */
  readonly home?: HomeToken
  /**
   * Results of attestation of the agent that got the token, at that time. In a delegated token, it is the agent that
   * acts.
   */
  readonly attestation?: readonly TokenAttestation[]
  /** The place of the token in a status list of its issuer, where a verifier sees whether the token has ended. */
  readonly status?: TokenStatus
}

/** A token of another issuer, and what it rested on. */
export interface HomeToken {
  readonly iss: string
  readonly jti: string
  /** The keys of the issuer that signed the token and the grant for it: one key, or two. */
  readonly kids: readonly string[]
  /** The issuer's generation at this deployment. If the deployment disables the issuer, the generation rises. */
  readonly generation: number
  readonly epoch: readonly [agent: number, operator: number]
  /** Id of the statement by which the agent's operator allowed this token. */
  readonly edge: string
}

/** A party of a delegation, by its DID (RFC 8693 section 4.1). */
interface Party {
  readonly sub: string
}

/** The key that a token is bound to: its RFC 7638 thumbprint (RFC 9449 section 6.1). */
export interface Confirmation {
  readonly jkt: string
}

const THUMBPRINT_BYTES = 32
const MAX_CLIENT_ID = 512
const JTI = /^[\x21-\x7e]{1,64}$/
const MAX_INT32 = 2_147_483_647

/**
 * Tells whether a text can be a token's `jti`: 1 to 64 visible ASCII characters.
 *
 * @example
 * ```ts
 * import { isJti } from '@auth4agent/core/token/claims'
 *
 * isJti('0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b') // true
 * ```
 */
export function isJti(text: string): boolean {
  return JTI.test(text)
}

/**
 * Reads a token's payload strictly. Every claim must be present, have its type and size, and be consistent with the
 * others. Unknown claims are ignored (RFC 7519 section 4), but unknown claims that restrict a token are refused.
 *
 * @returns the claims, or undefined if anything is wrong.
 * @example
 * ```ts
 * import { parseAccessTokenClaims } from '@auth4agent/core/token/claims'
 *
 * const agent = parseAccessTokenClaims(jws.payload)?.sub
 * ```
 */
export function parseAccessTokenClaims(payload: Readonly<Record<string, unknown>>): AccessTokenClaims | undefined {
  const { sub, client_id: clientId } = payload
  if (hasActor(payload) || typeof sub !== 'string' || sub !== clientId || parseDid(sub) === undefined) return undefined
  return readTokenClaims(payload, sub)
}

/**
 * Reads the claims that every kind of access token has, strictly. The caller has read `sub`, `client_id` and `act`.
 *
 * @param client the value of `client_id`. The claims that this function returns have it as `sub` too
 * @returns the claims, or undefined if anything is wrong.
 * @example
 * ```ts
 * import { readTokenClaims } from '@auth4agent/core/token/claims'
 *
 * const claims = readTokenClaims(payload, 'https://client.example/oauth.json')
 * ```
 */
export function readTokenClaims(
  payload: Readonly<Record<string, unknown>>,
  client: string,
): AccessTokenClaims | undefined {
  const { iss, aud, scope, operator_id, iat, nbf, exp, jti, epoch, cnf, agent_key, may_act } = payload
  if (!isText(iss, 2048) || client.length > MAX_CLIENT_ID) return undefined
  if (!isAudience(aud) || !isText(scope, 16_384) || !isScopeString(scope)) return undefined
  if (!isText(operator_id, 36) || !isUuid(operator_id) || !isText(jti, 64) || !isJti(jti)) return undefined
  if (!isUnixSeconds(iat) || !isUnixSeconds(nbf) || !isUnixSeconds(exp)) return undefined
  if (nbf < iat || exp <= nbf || exp - iat > MAX_TOKEN_TTL_S || !isEpochs(epoch)) return undefined
  const claims = { iss, sub: client, aud, scope, operator_id, iat, nbf, exp, jti, client_id: client, epoch }
  const hasKey = Object.hasOwn(payload, 'agent_key')
  const hasBinding = Object.hasOwn(payload, 'cnf')
  const hasParty = Object.hasOwn(payload, 'may_act')
  const basis = readBasis(payload, iss, iat)
  if ((hasKey && !isThumbprint(agent_key)) || (hasBinding && !isConfirmation(cnf))) return undefined
  if ((hasParty && !(hasBinding && isParty(may_act))) || basis === undefined) return undefined
  if (hasParty && basis.home !== undefined) return undefined
  // Most tokens have none of these claims.
  if (!hasKey && !hasBinding && basis === NO_BASIS) return claims
  return {
    ...claims,
    ...basis,
    ...(isConfirmation(cnf) && { cnf: { jkt: cnf.jkt } }),
    ...(isThumbprint(agent_key) && { agent_key }),
    ...(isParty(may_act) && { may_act: { sub: may_act.sub } }),
  }
}

/**
 * Tells whether a payload says that another party acts for the subject (RFC 8693 section 4.1). Such a token is a
 * delegated token: its subject is not the caller.
 *
 * @example
 * ```ts
 * import { hasActor } from '@auth4agent/core/token/claims'
 *
 * hasActor({ sub: 'did:agent:…', act: { sub: 'did:agent:…' } }) // true
 * ```
 */
export function hasActor(payload: Readonly<Record<string, unknown>>): boolean {
  return Object.hasOwn(payload, 'act') || Object.hasOwn(payload, 'a4a_lineage')
}

type Basis = Pick<AccessTokenClaims, 'edges' | 'home' | 'attestation' | 'status'>
const NO_BASIS: Basis = {}

/**
 * Reads the claims that say on what a token was issued, and where its status is. Returns undefined if they are
 * malformed.
 */
function readBasis(payload: Readonly<Record<string, unknown>>, iss: string, iat: number): Basis | undefined {
  const hasEdges = Object.hasOwn(payload, 'edges')
  const hasHome = Object.hasOwn(payload, 'home')
  const hasResults = Object.hasOwn(payload, 'attestation')
  const hasStatus = Object.hasOwn(payload, 'status')
  if (!hasEdges && !hasHome && !hasResults && !hasStatus) return NO_BASIS
  const { edges, home, attestation, status } = payload
  if ((hasEdges && !isEdges(edges)) || (hasHome && !isHome(home))) return undefined
  if ((hasResults && !isAttestation(attestation, iat)) || (hasStatus && !isTokenStatus(status, iss))) return undefined
  return {
    ...(isEdges(edges) && { edges }),
    ...(isHome(home) && { home }),
    ...(isAttestation(attestation, iat) && { attestation }),
    ...(isTokenStatus(status, iss) && { status }),
  }
}

/** Accepts no other member, because this version cannot enforce it. */
function isHome(value: unknown): value is HomeToken {
  return (
    isJsonObject(value) &&
    Object.keys(value).length === 6 &&
    isText(value['iss'], 2048) &&
    value['iss'] !== '' &&
    isText(value['jti'], 64) &&
    isJti(value['jti']) &&
    isKids(value['kids']) &&
    isEpoch(value['generation']) &&
    isEpochs(value['epoch']) &&
    isText(value['edge'], 36) &&
    isUuid(value['edge'])
  )
}

function isKids(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 2) return false
  return value.every(isThumbprint) && value[0] !== value[1]
}

/** Accepts only `sub`, because this version cannot enforce another member that identifies the party. */
function isParty(value: unknown): value is Party {
  return (
    isJsonObject(value) &&
    Object.keys(value).length === 1 &&
    isText(value.sub, 512) &&
    parseDid(value.sub) !== undefined
  )
}

/** Accepts only `jkt`, because this version cannot enforce another confirmation method, alone or in addition. */
function isConfirmation(value: unknown): value is Confirmation {
  return isJsonObject(value) && Object.keys(value).length === 1 && isThumbprint(value.jkt)
}

/**
 * Tells whether a value is the RFC 7638 thumbprint of a key: 32 bytes as canonical base64url.
 *
 * @example
 * ```ts
 * import { isThumbprint } from '@auth4agent/core/token/claims'
 *
 * isThumbprint('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k') // true
 * ```
 */
export function isThumbprint(value: unknown): value is string {
  return isText(value, 43) && decodeBase64url(value)?.length === THUMBPRINT_BYTES
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max
}

function isAudience(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= 8 &&
    value.every((entry) => isText(entry, 2048) && entry !== '')
  )
}

function isEpochs(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(isEpoch)
}

function isEpoch(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_INT32
}
