import { createPublicKey, type KeyObject } from 'node:crypto'
import { decodeBase64url } from '../encoding/base64.ts'
import { type PublicJwk, readPublicJwk } from '../jose/public-jwk.ts'
import { importP256, verifyP256 } from '../keys/ecdsa-p256.ts'
import { admitPublicKey, importPublicKey, verify } from '../keys/ed25519.ts'
import { verifyRsa } from '../keys/rsa-pkcs1.ts'
import { isTokenAlgorithm, type TokenAlgorithm } from '../keys/token-algorithms.ts'

/** Verifies a JWS signature over the signing input. Each signature has exactly one valid form. */
type Verify = (signingInput: Uint8Array, signature: Uint8Array) => boolean

/** The public half of a signing key, bound to one algorithm. */
export interface TokenVerifier {
  /** Only the public members. */
  readonly jwk: PublicJwk
  readonly verify: Verify
}

const IMPORTERS: Readonly<Record<TokenAlgorithm, (jwk: PublicJwk) => Verify | undefined>> = {
  EdDSA: importEd25519,
  Ed25519: importEd25519,
  ES256: importEs256,
  RS256: importRsa,
}

/**
 * Imports a public key for one algorithm. It takes up to a millisecond, so do it once for each key.
 *
 * @returns undefined for an algorithm that signs no tokens, and for a key that the algorithm cannot use. The key must
 *   pass {@link readPublicJwk}, its point must be on the curve, and an Ed25519 key must pass {@link admitPublicKey}.
 * @example
 * ```ts
 * import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
 *
 * const verifier = importTokenVerifier('ES256', jwk)
 * const isValid = verifier?.verify(signingInput, signature) ?? false
 * ```
 */
export function importTokenVerifier(alg: string, jwk: unknown): TokenVerifier | undefined {
  const known = readPublicJwk(jwk)
  const holds = known && isTokenAlgorithm(alg) ? IMPORTERS[alg](known) : undefined
  return known && holds && { jwk: known, verify: holds }
}

function importEd25519(jwk: PublicJwk): Verify | undefined {
  const raw = jwk.kty === 'OKP' ? decodeBase64url(jwk.x) : undefined
  const admission = raw && admitPublicKey(raw)
  const key = admission?.ok ? importPublicKey(admission.raw) : undefined
  return key && ((signingInput, signature) => verify(key, signingInput, signature))
}

function importEs256(jwk: PublicJwk): Verify | undefined {
  const key = importP256(jwk)
  return key && ((signingInput, signature) => verifyP256(key, signingInput, signature))
}

function importRsa(jwk: PublicJwk): Verify | undefined {
  const key = importRsaKey(jwk)
  return key && ((signingInput, signature) => verifyRsa(key, signingInput, signature))
}

function importRsaKey(jwk: PublicJwk): KeyObject | undefined {
  if (jwk.kty !== 'RSA') return undefined
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}
