import { isUuid } from '../encoding/uuid.ts'
import { parseDid } from '../identity/did.ts'
import { isScopeString } from './scope.ts'

/** Longest access token text that is looked at. */
export const MAX_TOKEN_BYTES = 16_384
/** `typ` of an access token (RFC 9068 section 2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt'
/** Longest lifetime of any token, in seconds; a genuine token with more is not one of ours. */
export const MAX_TOKEN_TTL_S = 3600

/** Claims of an access token: PROTOCOL version 1 and RFC 9068. Times in Unix seconds. */
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
  /** Epochs of agent and operator at issue. */
  readonly epoch: readonly [agent: number, operator: number]
}

/**
 * Claims that make a token less than it looks: it is good in certain hands only (`cnf`, RFC 7800), or for one who acts for another
 * (`act`, `may_act`, RFC 8693). This version writes none and can enforce none; a newer instance beside it may write them.
 */
const RESTRICTING = ['act', 'cnf', 'may_act']
const JTI = /^[\x21-\x7e]{1,64}$/
const MAX_UNIX_SECONDS = 253_402_300_799
const MAX_INT32 = 2_147_483_647

/** Whether a text can be a token's id: 1 to 64 visible ASCII characters. */
export function isJti(text: string): boolean {
  return JTI.test(text)
}

/**
 * Reads a payload strictly: every claim present, of its type and size, and consistent with the others. Other claims are
 * ignored (RFC 7519 section 4), but for those that restrict a token. Undefined when anything is off.
 */
export function parseAccessTokenClaims(payload: Readonly<Record<string, unknown>>): AccessTokenClaims | undefined {
  if (RESTRICTING.some((name) => Object.hasOwn(payload, name))) return undefined
  const { iss, sub, aud, scope, operator_id, iat, nbf, exp, jti, client_id, epoch } = payload
  if (!isText(iss, 2048) || !isText(sub, 512) || parseDid(sub) === undefined || client_id !== sub) return undefined
  if (!isAudience(aud) || !isText(scope, 16_384) || !isScopeString(scope)) return undefined
  if (!isText(operator_id, 36) || !isUuid(operator_id) || !isText(jti, 64) || !isJti(jti)) return undefined
  if (!isTime(iat) || !isTime(nbf) || !isTime(exp)) return undefined
  if (nbf < iat || exp <= nbf || exp - iat > MAX_TOKEN_TTL_S || !isEpochs(epoch)) return undefined
  return { iss, sub, aud, scope, operator_id, iat, nbf, exp, jti, client_id: sub, epoch }
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_UNIX_SECONDS
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
  return (
    Array.isArray(value) && value.length === 2 && value.every((n) => Number.isInteger(n) && n >= 1 && n <= MAX_INT32)
  )
}
