import {
  ACCESS_TOKEN_TYPE,
  type AccessTokenClaims,
  MAX_TOKEN_BYTES,
  parseAccessTokenClaims,
} from '@auth4agent/core/claims'
import { parseCompactJws } from '@auth4agent/core/jws'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/token-algorithms'
import type { Verdict } from '@auth4agent/core/verdicts'
import type { KeyState } from '../../../gen/prisma/enums.ts'
import type { VerificationKey, VerificationKeys } from './verification-keys.ts'

/** A token of this issuer whose signature holds, or why it is none. Neither expiry nor revocation has been looked at. */
export type GenuineToken = { readonly claims: AccessTokenClaims; readonly kid: string } | { readonly verdict: Verdict }

/** A prepared key may have begun to sign since it was read. */
const KNOWN_STATES: Readonly<Record<KeyRule, ReadonlySet<KeyState>>> = {
  current: new Set(['prepared', 'active', 'retiring']),
  'including-retired': new Set(['prepared', 'active', 'retiring', 'retired']),
}
const RULES = { maxBytes: MAX_TOKEN_BYTES, algs: TOKEN_ALGORITHMS, typs: [ACCESS_TOKEN_TYPE] }

/** Whether retired keys count, as they do to revoke a token that may have expired. */
type KeyRule = 'current' | 'including-retired'

/**
 * Decides whether a text is a genuine access token of this issuer: canonical form, strict claims, a key of ours in a
 * state that counts, its algorithm, the signature, the issuer byte for byte.
 */
export async function verifyAccessToken(
  text: string,
  issuer: string,
  keys: VerificationKeys,
  rule: KeyRule = 'current',
): Promise<GenuineToken> {
  const jws = parseCompactJws(text, RULES)
  if (!jws.ok) return { verdict: jws.why === 'alg' ? 'UNSUPPORTED_ALGORITHM' : 'MALFORMED_TOKEN' }
  const claims = parseAccessTokenClaims(jws.payload)
  if (claims === undefined) return { verdict: 'MALFORMED_TOKEN' }
  const key = await keys.find(jws.header.kid)
  if (!isKnown(key, rule)) return { verdict: 'UNKNOWN_KEY' }
  if (key.alg !== jws.header.alg) return { verdict: 'UNSUPPORTED_ALGORITHM' }
  if (!key.verify(jws.signingInput, jws.signature)) return { verdict: 'SIGNATURE_INVALID' }
  if (claims.iss !== issuer) return { verdict: 'WRONG_ISSUER' }
  // Whoever has the key may make us ask the database, and nobody else: the signature holds. Signing came after it was active.
  const fresh = key.state === 'prepared' ? await keys.findNow(key.kid) : key
  if (!isKnown(fresh, rule) || fresh.state === 'prepared') return { verdict: 'UNKNOWN_KEY' }
  return { claims, kid: key.kid }
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
