import { isJsonObject, type JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { parseAudience } from '@auth4agent/core/token/audience'
import { type AccessTokenClaims, isJti, isThumbprint, parseAccessTokenClaims } from '@auth4agent/core/token/claims'

/** `typ` of an Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant). */
export const ID_JAG_TYPE = 'oauth-id-jag+jwt'
/** `typ` of any other grant of one deployment for another. */
export const CHAINING_GRANT_TYPE = 'auth4agent-grant+jwt'
/** The kinds of grants for another deployment, by their `typ`. */
export type ChainingGrantType = typeof ID_JAG_TYPE | typeof CHAINING_GRANT_TYPE
/** Longest accepted text of a grant for another deployment. */
export const MAX_CHAINING_GRANT_BYTES = 8_192
/** Longest accepted lifetime of a grant for another deployment, in seconds. */
export const MAX_CHAINING_GRANT_TTL_S = 300

/**
 * Claims of a grant with which an agent asks another deployment for a token. Times are in Unix seconds.
 *
 * @example
 * ```ts
 * import { type ChainingGrant, parseChainingGrant } from './chaining-grant.ts'
 *
 * const grant: ChainingGrant | undefined = parseChainingGrant(jws.payload)
 * ```
 */
export interface ChainingGrant
  extends Pick<
    AccessTokenClaims,
    'iss' | 'sub' | 'client_id' | 'operator_id' | 'epoch' | 'scope' | 'jti' | 'iat' | 'exp'
  > {
  /** The issuer of the other deployment. */
  readonly aud: string
  /** The audience of the token that the agent asks for. */
  readonly resource: string
  /** The agent's key. Only this key can redeem the grant. */
  readonly cnf: { readonly jkt: string }
  /**
   * The access token for which the grant was issued, and the key that signed it. What is issued for the grant ends
   * with both, and expires no later than `exp`.
   */
  readonly token: { readonly jti: string; readonly exp: number; readonly kid: string }
  /** Id of the statement `chains-to` that allowed the grant. What is issued for the grant ends with it. */
  readonly edge: string
}

const CLAIMS = 'iss sub aud client_id operator_id epoch resource scope cnf jti iat exp token edge'.split(' ')

/**
 * Reads the claims of a grant for another deployment strictly. A claim that this version does not know may restrict
 * the grant, so it is refused.
 *
 * @returns the claims, or undefined if anything is wrong
 * @example
 * ```ts
 * import { parseChainingGrant } from './chaining-grant.ts'
 *
 * const scopes = parseChainingGrant(jws.payload)?.scope.split(' ')
 * ```
 */
export function parseChainingGrant(payload: JsonObject): ChainingGrant | undefined {
  const { aud, resource, token, edge } = payload
  if (!Object.keys(payload).every((claim) => CLAIMS.includes(claim))) return undefined
  if (typeof aud !== 'string' || typeof resource !== 'string' || parseAudience(resource) === undefined) return undefined
  const claims = parseAccessTokenClaims({ ...payload, aud: [aud], nbf: payload['iat'] })
  if (claims?.cnf === undefined || claims.scope === '' || !isHomeToken(token)) return undefined
  if (typeof edge !== 'string' || !isUuid(edge)) return undefined
  const { iss, sub, client_id, operator_id, epoch, scope, jti, iat, exp, cnf } = claims
  const { jti: id, exp: end, kid } = token
  return {
    iss,
    sub,
    aud,
    client_id,
    operator_id,
    epoch,
    resource,
    scope,
    cnf,
    jti,
    iat,
    exp,
    token: { jti: id, exp: end, kid },
    edge,
  }
}

function isHomeToken(value: unknown): value is ChainingGrant['token'] {
  if (!isJsonObject(value) || Object.keys(value).length !== 3) return false
  const { jti, exp, kid } = value
  if (typeof jti !== 'string' || !isJti(jti) || !isThumbprint(kid)) return false
  return isUnixSeconds(exp)
}
