import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { checkTimes, readAudiences, requireText } from '../../../platform/jwt/claims.ts'

/** What a signal does to a user. */
export type Ending = 'disable' | 'remove' | 'sign-out'

/** A user that a provider has ended. */
export interface EndedUser {
  readonly sub: string
  readonly ending: Ending
  /** Name of the event, for the audit. */
  readonly event: string
}

/** What a security event token must name, and when it arrived. */
export interface EventDemands {
  readonly issuer: string
  /** One of them must be an audience. */
  readonly audiences: readonly string[]
  /** Unix milliseconds. */
  readonly now: number
  readonly skewMs: number
}

/** A security event token whose claims count. */
interface SecurityEvent {
  readonly jti: string
  /** Undefined for an event that ends nobody, such as the verification of a stream. */
  readonly ended: EndedUser | undefined
}

/** The noun in messages. */
const NAME = 'SET'
const MAX_JTI = 256
/** OpenID Connect Core 1.0 section 2. */
const MAX_SUB = 255
/** How old an event may be, in milliseconds: a transmitter tries again for days, and a late ending is still due. */
export const MAX_AGE_MS = 7 * 86_400_000
/** Claims of ID tokens and logout tokens. A SET must not have them, so that nobody takes one for another (SSF 1.0). */
const FOREIGN = ['sub', 'exp', 'nonce', 'sid'] as const
const SCHEMA = 'https://schemas.openid.net/secevent'
const ENDINGS: ReadonlyMap<string, Ending> = new Map([
  [`${SCHEMA}/risc/event-type/account-disabled`, 'disable'],
  [`${SCHEMA}/risc/event-type/account-purged`, 'remove'],
  [`${SCHEMA}/caep/event-type/session-revoked`, 'sign-out'],
])

/**
 * Reads the claims of a security event token, whose signature has been verified (RFC 8417 section 2.2, SSF 1.0).
 *
 * @throws RefusedEvidence; ApiError INVALID_ISSUER, INVALID_AUDIENCE, SIGNAL_NOT_ACCEPTED
 */
export function readEvent(claims: JsonObject, demands: EventDemands): SecurityEvent {
  checkParties(claims, demands)
  const foreign = FOREIGN.find((name) => Object.hasOwn(claims, name))
  if (foreign !== undefined) throw refused(`must not have the claim ${foreign}`)
  const jti = requireText(claims, 'jti', NAME, MAX_JTI)
  checkTimes(claims, { name: NAME, needs: ['iat'], maxAgeMs: MAX_AGE_MS }, demands)
  const type = readEventType(claims)
  const ending = ENDINGS.get(type)
  if (ending === undefined) return { jti, ended: undefined }
  return {
    jti,
    ended: { sub: readSubject(claims, demands.issuer), ending, event: type.slice(type.lastIndexOf('/') + 1) },
  }
}

/** Each has a code of its own in RFC 8935 section 2.4. */
function checkParties(claims: JsonObject, { issuer, audiences }: EventDemands): void {
  if (claims['iss'] !== issuer) throw new ApiError('INVALID_ISSUER', `The iss of the SET must be ${issuer}`)
  if (readAudiences(claims, NAME).some((each) => audiences.includes(each))) return
  throw new ApiError('INVALID_AUDIENCE', `The aud of the SET must be ${audiences.join(' or ')}`)
}

function readEventType(claims: JsonObject): string {
  const events = isJsonObject(claims['events']) ? Object.entries(claims['events']) : []
  const [only, ...others] = events
  if (only !== undefined && others.length === 0 && isJsonObject(only[1])) return only[0]
  throw refused('must have an object events with exactly one event, which is an object')
}

/** RFC 9493 section 3.2.2. A subject of another issuer is nobody about whom this provider may say anything. */
function readSubject(claims: JsonObject, issuer: string): string {
  const { sub_id: id } = claims
  if (!isJsonObject(id) || id['format'] !== 'iss_sub') throw refused('must have a sub_id of the format iss_sub')
  if (id['iss'] !== issuer) throw refused(`must have the iss ${issuer} in its sub_id`)
  return requireText(id, 'sub', NAME, MAX_SUB)
}

function refused(demand: string): ApiError {
  return new ApiError('SIGNAL_NOT_ACCEPTED', `The SET ${demand}`)
}
