import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { type AccessTokenClaims, isJti, isThumbprint, MAX_TOKEN_TTL_S } from '@auth4agent/core/token/claims'
import { isScopeString } from '@auth4agent/core/token/scope'
import { isListIndex, type TokenStatus } from '@auth4agent/core/token/status'

/** Claims of a token of a foreign issuer. A token of an issuer of the kind `oauth` has no epochs. */
export type ForeignClaims = Omit<AccessTokenClaims, 'epoch' | 'agent_key' | 'may_act' | 'home' | 'edges'> & {
  readonly epoch: readonly number[]
}

/**
 * Reads the claims of a JWT access token of another authorization server (RFC 9068 section 2.2) strictly. `scope`,
 * `nbf` and `client_id` may be missing. Claims that restrict a token in a way that is not enforced here are refused.
 *
 * @param operatorId the operator to which all subjects of the issuer belong
 * @returns the claims, or undefined if anything is wrong
 */
export function parseOAuthClaims(payload: JsonObject, operatorId: string): ForeignClaims | undefined {
  const { iss, sub, aud, scope = '', iat, nbf = iat, exp, jti, client_id: clientId = '', cnf } = payload
  const audience = typeof aud === 'string' ? [aud] : aud
  if (!isText(iss, 2048) || !isText(sub, 512) || sub === '' || !isAudience(audience)) return undefined
  if (!isText(scope, 16_384) || !isScopeString(scope) || !isText(clientId, 512)) return undefined
  if (!isText(jti, 64) || !isJti(jti) || !isUnixSeconds(iat) || !isUnixSeconds(nbf) || !isUnixSeconds(exp))
    return undefined
  if (nbf < iat || exp <= nbf || exp - iat > MAX_TOKEN_TTL_S) return undefined
  const claims = { iss, sub, aud: audience, scope, operator_id: operatorId, iat, nbf, exp, jti, epoch: [] }
  const isBound = Object.hasOwn(payload, 'cnf')
  if (isBound && !isConfirmation(cnf)) return undefined
  return {
    ...claims,
    client_id: clientId,
    ...(isConfirmation(cnf) && { cnf: { jkt: cnf.jkt } }),
    ...readStatus(payload['status']),
  }
}

/**
 * Reads the place of the token in a status list. Another status is left out: with the mode `status_list`, a token
 * without a place is refused, and other modes do not need it.
 */
function readStatus(status: unknown): { readonly status?: TokenStatus } {
  const place = isJsonObject(status) ? status['status_list'] : undefined
  if (!isJsonObject(place)) return {}
  const { idx, uri } = place
  return isListIndex(idx) && isText(uri, 2048) ? { status: { status_list: { idx, uri } } } : {}
}

/** Accepts only `jkt`, because another confirmation method could not be enforced. */
function isConfirmation(value: unknown): value is { readonly jkt: string } {
  return isJsonObject(value) && Object.keys(value).length === 1 && isThumbprint(value['jkt'])
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max
}

function isAudience(value: unknown): value is string[] {
  const texts: readonly unknown[] = Array.isArray(value) ? value : []
  return texts.length > 0 && texts.length <= 8 && texts.every((text) => isText(text, 2048) && text !== '')
}
