import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { isJsonObject, type JsonObject, parseStrictJson } from '@auth4agent/core/encoding/strict-json'
import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
import { clientError } from './errors.ts'
import type { BoundTerms } from './terms.ts'

/** A token, with its times, scope, audience and id. */
export interface IssuedToken {
  readonly token: string
  /** `DPoP` if the token is bound to a key (RFC 9449 section 5), otherwise `Bearer`. */
  readonly tokenType: 'Bearer' | 'DPoP'
  /** The end of the token by the server's clock. `issuedAt` is also a time of the server's clock. */
  readonly expiresAt: Date
  readonly issuedAt: Date
  /** The seconds from `issuedAt` to `expiresAt`. */
  readonly lifetimeS: number
  /** The scopes, separated by spaces. */
  readonly scope: string
  readonly audience: readonly string[]
  /** The token's id. An operator can revoke the token by this id. */
  readonly jti: string
}

/** The values that the token must contain. */
interface Expected {
  readonly issuer: string
  readonly did: string
  readonly terms: BoundTerms
  /** The thumbprint of the key that the token must be bound to. Without it, the token must not be bound. */
  readonly jkt?: string | undefined
}

/** The longest token that clients and services accept, because a token must fit into a header. */
const MAX_TOKEN_BYTES = 16_384
const MAX_LIFETIME_S = 3600
/** Three parts in characters that an Authorization header allows (RFC 6750 section 2.1). */
const TOKEN = /^[\w-]+\.([\w-]+)\.[\w-]+$/

/**
 * Reads the token and its payload from the server's answer. It does not verify the signature, because services do
 * that. It only prevents the use of a token for another agent, scope or audience. Throws UNEXPECTED_ANSWER.
 */
export function readIssuedToken(answer: unknown, { issuer, did, terms, jkt }: Expected): IssuedToken {
  const { token, token_type: type } = isJsonObject(answer) ? answer : {}
  const payload = typeof token === 'string' && token.length <= MAX_TOKEN_BYTES ? payloadOf(token) : undefined
  if (typeof token !== 'string' || payload === undefined) throw unexpected('no token')
  const { iss, sub, aud, scope, iat, exp, jti, cnf, may_act: mayAct } = payload
  if (iss !== issuer || sub !== did) throw unexpected('a token of another issuer or for another agent')
  if (scope !== terms.scope || !isSameSet(aud, terms.audience))
    throw unexpected('a token for another scope or audience')
  const actor = isJsonObject(mayAct) ? mayAct.sub : mayAct
  if (actor !== terms.mayAct) throw unexpected('a token with which another agent may act')
  const tokenType = jkt === undefined ? 'Bearer' : 'DPoP'
  if (!isBoundTo(jkt, cnf))
    throw unexpected(`a token that ${jkt === undefined ? 'is bound to a key' : 'is not bound to the key of the proof'}`)
  // The name of a token type is case-insensitive (RFC 6749 section 5.1).
  if (String(type).toLowerCase() !== tokenType.toLowerCase()) throw unexpected(`a token whose type is not ${tokenType}`)
  if (!isUnixSeconds(iat) || !isUnixSeconds(exp) || typeof jti !== 'string')
    throw unexpected('a token without iat, exp or jti')
  const lifetimeS = exp - iat
  if (lifetimeS <= 0 || lifetimeS > Math.min(MAX_LIFETIME_S, terms.ttl ?? MAX_LIFETIME_S)) {
    throw unexpected(`a token with a lifetime of ${lifetimeS} seconds`)
  }
  return {
    token,
    tokenType,
    expiresAt: new Date(exp * 1000),
    issuedAt: new Date(iat * 1000),
    lifetimeS,
    scope: terms.scope,
    audience: terms.audience,
    jti,
  }
}

/** Returns the payload of a JWT without verifying it; undefined if the text is no JWT. */
export function payloadOf(token: string): JsonObject | undefined {
  const bytes = decodeBase64url(TOKEN.exec(token)?.[1] ?? '')
  const json = bytes && parseStrictJson(bytes)
  return json?.ok ? json.value : undefined
}

function isSameSet(aud: unknown, wanted: readonly string[]): boolean {
  return Array.isArray(aud) && aud.length === wanted.length && wanted.every((each) => aud.includes(each))
}

function isBoundTo(jkt: string | undefined, cnf: unknown): boolean {
  return jkt === undefined ? cnf === undefined : isJsonObject(cnf) && cnf.jkt === jkt && Object.keys(cnf).length === 1
}

function unexpected(what: string) {
  return clientError('UNEXPECTED_ANSWER', `The server answered with ${what}`)
}
