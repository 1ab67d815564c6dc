import { type ParsedJws, parseCompactJws } from '../jose/jws.ts'
import type { PublicJwk } from '../jose/public-jwk.ts'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '../keys/token-algorithms.ts'
import {
  ACCESS_TOKEN_TYPE,
  type AccessTokenClaims,
  hasActor,
  MAX_TOKEN_BYTES,
  parseAccessTokenClaims,
} from './claims.ts'
import type { Verdict } from './verdicts.ts'

/** State of a signing key. docs/signing-keys.md explains each. */
type KeyState = 'prepared' | 'active' | 'retiring' | 'retired' | 'compromised'

/** The public half of a signing key. */
export interface VerificationKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  /** JOSE algorithm of its tokens. */
  readonly alg: TokenAlgorithm
  readonly state: KeyState
  readonly jwk: PublicJwk
  /** Verifies a JWS signature over the signing input with this key and algorithm. */
  readonly verify: (signingInput: Uint8Array, signature: Uint8Array) => boolean
}

/**
 * Finds the public halves of signing keys.
 *
 * @example
 * ```ts
 * import { importKeySet } from '@auth4agent/core/jose/key-set'
 * import type { KeyFinder } from '@auth4agent/core/token/access-token'
 *
 * const set = importKeySet(jwks)
 * const find = async (kid: string) => set?.get(kid)
 * const keys: KeyFinder = { find, findNow: find }
 * ```
 */
export interface KeyFinder {
  /** Finds a key, possibly in a cache. */
  find(kid: string): Promise<VerificationKey | undefined>
  /** Finds a key in the state that it has after this call began, never from a cache. */
  findNow(kid: string): Promise<VerificationKey | undefined>
}

/**
 * A token of this issuer with a valid signature, or the verdict why the text is not such a token. A genuine token may
 * be expired or revoked.
 */
export type GenuineToken<C = AccessTokenClaims> =
  | { readonly claims: C; readonly kid: string }
  | { readonly verdict: Verdict }

/** A text with the form and claims of a token. Its signature is not verified, so do not trust it. */
export interface ReadToken<C = AccessTokenClaims> {
  readonly jws: ParsedJws
  readonly claims: C
}

/** The claim of each kind of token that names its issuer. */
interface Issued {
  readonly iss: string
}

/** `prepared` is included, because such a key may have begun to sign since its state was read. */
const KNOWN_STATES: Readonly<Record<KeyRule, ReadonlySet<KeyState>>> = {
  current: new Set(['prepared', 'active', 'retiring']),
  'including-retired': new Set(['prepared', 'active', 'retiring', 'retired']),
}
const RULES = { maxBytes: MAX_TOKEN_BYTES, algs: TOKEN_ALGORITHMS, typs: [ACCESS_TOKEN_TYPE] }

/** The keys that verification accepts. `including-retired` is for revoking a token that may have expired. */
export type KeyRule = 'current' | 'including-retired'

/**
 * Decides whether a text is a genuine token of this issuer. It checks the canonical form, the claims, the key and its
 * state, the algorithm, the signature, and the issuer byte for byte. It does not check expiry and revocation. It
 * refuses a delegated token, because the subject of such a token is not the caller. Rejects if `keys` rejects.
 *
 * @example
 * ```ts
 * import { checkTimes, verifyAccessToken } from '@auth4agent/core/token/access-token'
 *
 * const token = await verifyAccessToken(text, 'https://auth.example', keys)
 * if ('claims' in token) console.log(checkTimes(token.claims, Date.now() / 1_000, 10) ?? token.claims.sub)
 * ```
 */
export async function verifyAccessToken(
  text: string,
  issuer: string,
  keys: KeyFinder,
  rule: KeyRule = 'current',
): Promise<GenuineToken> {
  const read = readAccessToken(text)
  return 'verdict' in read ? read : verifyRead(read, issuer, keys, rule)
}

/**
 * Does the checks of {@link verifyAccessToken} that follow the reading of the text. Rejects if `keys` rejects.
 *
 * @example
 * ```ts
 * import { readAccessToken, verifyRead } from '@auth4agent/core/token/access-token'
 *
 * const read = readAccessToken(text)
 * const token = 'verdict' in read ? read : await verifyRead(read, 'https://auth.example', keys)
 * ```
 */
export async function verifyRead<C extends Issued>(
  read: ReadToken<C>,
  issuer: string,
  keys: KeyFinder,
  rule: KeyRule = 'current',
): Promise<GenuineToken<C>> {
  const key = await keys.find(read.jws.header.kid)
  if (!isKnown(key, rule)) return { verdict: 'UNKNOWN_KEY' }
  const genuine = checkSigned(read, issuer, key)
  // A prepared key that signs must have become active since its state was read, so ask the database again.
  // Only a caller with a token that this key signed can cause this query.
  if ('verdict' in genuine || key.state !== 'prepared') return genuine
  const fresh = await keys.findNow(key.kid)
  return isKnown(fresh, rule) && fresh.state !== 'prepared' ? genuine : { verdict: 'UNKNOWN_KEY' }
}

/**
 * Does the checks that need no key: canonical form and claims. A delegated token is `DELEGATION_NOT_ACCEPTED`. Never
 * throws.
 *
 * @example
 * ```ts
 * import { readAccessToken } from '@auth4agent/core/token/access-token'
 *
 * const read = readAccessToken(text)
 * if ('jws' in read) console.log(read.jws.header.kid)
 * ```
 */
export function readAccessToken(text: string): ReadToken | { readonly verdict: Verdict } {
  const jws = readTokenJws(text)
  if ('verdict' in jws) return jws
  if (hasActor(jws.payload)) return { verdict: 'DELEGATION_NOT_ACCEPTED' }
  const claims = parseAccessTokenClaims(jws.payload)
  return claims === undefined ? { verdict: 'MALFORMED_TOKEN' } : { jws, claims }
}

/**
 * Does the checks of the canonical form that every kind of access token has. Never throws.
 *
 * @example
 * ```ts
 * import { readTokenJws } from '@auth4agent/core/token/access-token'
 *
 * const jws = readTokenJws(text)
 * if ('payload' in jws) console.log(jws.payload.sub)
 * ```
 */
export function readTokenJws(text: string): ParsedJws | { readonly verdict: Verdict } {
  const jws = parseCompactJws(text, RULES)
  return jws.ok ? jws : { verdict: jws.why === 'alg' ? 'UNSUPPORTED_ALGORITHM' : 'MALFORMED_TOKEN' }
}

/**
 * Does the checks that need the key with the token's `kid`: algorithm, signature and issuer. The caller checks the
 * state of the key.
 *
 * @example
 * ```ts
 * import { checkSigned, readAccessToken } from '@auth4agent/core/token/access-token'
 *
 * const read = readAccessToken(text)
 * const token = 'jws' in read ? checkSigned(read, 'https://auth.example', key) : read
 * ```
 */
export function checkSigned<C extends Issued>(
  { jws, claims }: ReadToken<C>,
  issuer: string,
  key: VerificationKey,
): GenuineToken<C> {
  if (key.alg !== jws.header.alg) return { verdict: 'UNSUPPORTED_ALGORITHM' }
  if (!key.verify(jws.signingInput, jws.signature)) return { verdict: 'SIGNATURE_INVALID' }
  if (claims.iss !== issuer) return { verdict: 'WRONG_ISSUER' }
  return { claims, kid: key.kid }
}

/**
 * Tells whether tokens of a key are valid now: the key is active or retiring.
 *
 * @example
 * ```ts
 * import { isSigning } from '@auth4agent/core/token/access-token'
 *
 * const verdict = isSigning(key) ? undefined : 'UNKNOWN_KEY'
 * ```
 */
export function isSigning<K extends Pick<VerificationKey, 'state'>>(key: K | undefined): key is K {
  return key?.state === 'active' || key?.state === 'retiring'
}

function isKnown(key: VerificationKey | undefined, rule: KeyRule): key is VerificationKey {
  return key !== undefined && KNOWN_STATES[rule].has(key.state)
}

/**
 * Compares a genuine token's times with a clock, allowing `skewS` seconds in both directions.
 *
 * @returns the verdict, or undefined if the token is valid at this time.
 * @example
 * ```ts
 * import { checkTimes } from '@auth4agent/core/token/access-token'
 *
 * checkTimes(claims, Date.now() / 1_000, 10) // 'TOKEN_EXPIRED', 'TOKEN_NOT_YET_VALID' or undefined
 * ```
 */
export function checkTimes(claims: AccessTokenClaims, nowS: number, skewS: number): Verdict | undefined {
  if (nowS >= claims.exp + skewS) return 'TOKEN_EXPIRED'
  if (nowS < claims.nbf - skewS) return 'TOKEN_NOT_YET_VALID'
  return undefined
}
