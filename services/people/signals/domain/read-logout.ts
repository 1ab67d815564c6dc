import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { checkTimes, readAudiences, requireText } from '../../../platform/jwt/claims.ts'

/** What a logout token must name, and when it arrived. */
interface LogoutDemands {
  readonly issuer: string
  readonly clientId: string
  /** Unix milliseconds. */
  readonly now: number
  readonly skewMs: number
}

/** A logout at a provider: of one session, of all sessions of a person, or of one session of a person. */
export interface Logout {
  readonly jti: string
  readonly sub: string | undefined
  /** The session at the provider. */
  readonly sid: string | undefined
  /** When the token expires, in Unix milliseconds. */
  readonly expiresAt: number
}

/** The noun in messages. */
const NAME = 'logout token'
const MAX_JTI = 256
const MAX_ID = 255
/** The specification recommends two minutes. The server remembers each token until it has expired. */
const MAX_LIFETIME_MS = 86_400_000
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/**
 * Reads the claims of a logout token, whose signature has been verified (OpenID Connect Back-Channel Logout 1.0
 * section 2.6). The event, which no ID token has, and the missing nonce tell the two apart.
 *
 * @throws RefusedEvidence; ApiError SIGNAL_NOT_ACCEPTED
 */
export function readLogout(claims: JsonObject, demands: LogoutDemands): Logout {
  const { issuer, clientId } = demands
  if (claims['iss'] !== issuer) throw refused(`must have the iss ${issuer}`)
  if (!readAudiences(claims, NAME).includes(clientId)) throw refused(`must have the aud ${clientId}`)
  const { events } = claims
  if (!isJsonObject(events) || !isJsonObject(Object.hasOwn(events, EVENT) ? events[EVENT] : undefined)) {
    throw refused(`must have the event ${EVENT}, which is an object`)
  }
  if (Object.hasOwn(claims, 'nonce')) throw refused('must not have a nonce')
  const [sub, sid] = ['sub', 'sid'].map((name) =>
    Object.hasOwn(claims, name) ? requireText(claims, name, NAME, MAX_ID) : undefined,
  )
  if (sub === undefined && sid === undefined) throw refused('must have a sub or a sid')
  const jti = requireText(claims, 'jti', NAME, MAX_JTI)
  const { expiresAt = 0, issuedAt = 0 } = checkTimes(claims, { name: NAME, needs: ['iat', 'exp'] }, demands)
  if (expiresAt - issuedAt > MAX_LIFETIME_MS) throw refused('must expire at most 86400 seconds after its iat')
  return { jti, sub, sid, expiresAt }
}

function refused(demand: string): ApiError {
  return new ApiError('SIGNAL_NOT_ACCEPTED', `The logout token ${demand}`)
}
