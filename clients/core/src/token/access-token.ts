import { type ParsedJws, parseCompactJws } from '../jose/jws.ts'
import type { PublicJwk } from '../jose/public-jwk.ts'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '../keys/token-algorithms.ts'
import { ACCESS_TOKEN_TYPE, type AccessTokenClaims, MAX_TOKEN_BYTES, parseAccessTokenClaims } from './claims.ts'
import type { Verdict } from './verdicts.ts'

/** What a signing key is at a moment; the server's README says what each state does. */
export type KeyState = 'prepared' | 'active' | 'retiring' | 'retired' | 'compromised'

/** The public half of a signing key. */
export interface VerificationKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  /** JOSE algorithm that its tokens carry. */
  readonly alg: TokenAlgorithm
  readonly state: KeyState
  readonly jwk: PublicJwk
  /** Whether a JWS signature of this key and algorithm holds over the signing input. */
  readonly verify: (signingInput: Uint8Array, signature: Uint8Array) => boolean
}

/** Where the public halves of access token keys are found. */
export interface KeyFinder {
  /** Finds a key, which may be remembered from before. */
  find(kid: string): Promise<VerificationKey | undefined>
  /** Finds a key as it stands after this call has begun. */
  findNow(kid: string): Promise<VerificationKey | undefined>
}

/** A token of this issuer whose signature holds, or why it is none. Neither expiry nor revocation has been looked at. */
export type GenuineToken = { readonly claims: AccessTokenClaims; readonly kid: string } | { readonly verdict: Verdict }

/** A text with the form and the claims of an access token. Its signature has not been verified: nothing it says is to be believed. */
export interface ReadToken {
  readonly jws: ParsedJws
  readonly claims: AccessTokenClaims
}

/** A prepared key may have begun to sign since it was read. */
const KNOWN_STATES: Readonly<Record<KeyRule, ReadonlySet<KeyState>>> = {
  current: new Set(['prepared', 'active', 'retiring']),
  'including-retired': new Set(['prepared', 'active', 'retiring', 'retired']),
}
const RULES = { maxBytes: MAX_TOKEN_BYTES, algs: TOKEN_ALGORITHMS, typs: [ACCESS_TOKEN_TYPE] }

/** Whether retired keys count, as they do to revoke a token that may have expired. */
export type KeyRule = 'current' | 'including-retired'

/**
 * Decides whether a text is a genuine access token of this issuer: canonical form, strict claims, a key of ours in a
 * state that counts, its algorithm, the signature, the issuer byte for byte. Rejects when the keys cannot be had.
 */
export async function verifyAccessToken(
  text: string,
  issuer: string,
  keys: KeyFinder,
  rule: KeyRule = 'current',
): Promise<GenuineToken> {
  const read = readAccessToken(text)
  if ('verdict' in read) return read
  const key = await keys.find(read.jws.header.kid)
  if (!isKnown(key, rule)) return { verdict: 'UNKNOWN_KEY' }
  const genuine = checkSigned(read, issuer, key)
  // Whoever has the key may make us ask the database, and nobody else: the signature holds. Signing came after it was active.
  if ('verdict' in genuine || key.state !== 'prepared') return genuine
  const fresh = await keys.findNow(key.kid)
  return isKnown(fresh, rule) && fresh.state !== 'prepared' ? genuine : { verdict: 'UNKNOWN_KEY' }
}

/** The first checks, for which no key is needed: the one canonical form, strict claims. Never throws. */
export function readAccessToken(text: string): ReadToken | { readonly verdict: Verdict } {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return { verdict: jws.why === 'alg' ? 'UNSUPPORTED_ALGORITHM' : 'MALFORMED_TOKEN' }
  const claims = parseAccessTokenClaims(jws.payload)
  return claims === undefined ? { verdict: 'MALFORMED_TOKEN' } : { jws, claims }
}

/** The checks under the key that the token's kid names: its algorithm, the signature, the issuer. The caller looks at the key's state. */
export function checkSigned({ jws, claims }: ReadToken, issuer: string, key: VerificationKey): GenuineToken {
  if (key.alg !== jws.header.alg) return { verdict: 'UNSUPPORTED_ALGORITHM' }
  if (!key.verify(jws.signingInput, jws.signature)) return { verdict: 'SIGNATURE_INVALID' }
  if (claims.iss !== issuer) return { verdict: 'WRONG_ISSUER' }
  return { claims, kid: key.kid }
}

/** Whether what a key has signed stands for now. */
export function isSigning(key: VerificationKey | undefined): key is VerificationKey {
  return key?.state === 'active' || key?.state === 'retiring'
}

function isKnown(key: VerificationKey | undefined, rule: KeyRule): key is VerificationKey {
  return key !== undefined && KNOWN_STATES[rule].has(key.state)
}

/** Compares a genuine token's times with a clock. `skewS` is allowed both ways, in seconds. */
export function checkTimes(claims: AccessTokenClaims, nowS: number, skewS: number): Verdict | undefined {
  if (nowS >= claims.exp + skewS) return 'TOKEN_EXPIRED'
  if (nowS < claims.nbf - skewS) return 'TOKEN_NOT_YET_VALID'
  return undefined
}
