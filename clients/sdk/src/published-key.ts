import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { PublishedJwk } from '@auth4agent/core/jose/jwk-set'
import type { PublicJwk } from '@auth4agent/core/jose/public-jwk'
import { isLowS } from '@auth4agent/core/keys/low-s'
import { isRIdentity } from '@auth4agent/core/keys/r-identity'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { platformEd25519 } from './keys/platform.ts'

/** Resolves with true if a JWS signature is valid over the signing input. Never rejects because of its input. */
type Verify = (signingInput: Uint8Array, signature: Uint8Array) => Promise<boolean>

/** The public half of a signing key, bound to one algorithm. WebCrypto or @noble/ed25519 verifies with it. */
export interface PublishedKey extends PublishedJwk {
  readonly verify: Verify
}

const SIGNATURE_BYTES = 64
const IMPORTERS: Readonly<Record<TokenAlgorithm, (jwk: PublicJwk) => Promise<Verify | undefined>>> = {
  EdDSA: importEd25519,
  Ed25519: importEd25519,
  ES256: importP256,
  RS256: importRsa,
}

/** Loads a published key. Resolves with undefined if the key does not fit its algorithm. */
export async function importPublished({ kid, alg, jwk }: PublishedJwk): Promise<PublishedKey | undefined> {
  const verify = await IMPORTERS[alg](jwk)
  return verify && { kid, alg, jwk, verify }
}

async function importEd25519(jwk: PublicJwk): Promise<Verify | undefined> {
  const raw = jwk.kty === 'OKP' ? decodeBase64url(jwk.x) : undefined
  // Imports this module on demand, because the module imports @noble/ed25519.
  const { admitPublicKey } = await import('@auth4agent/core/keys/admit-key')
  if (raw === undefined || !admitPublicKey(raw).ok) return undefined
  const ed25519 = await platformEd25519()
  return async (signingInput, signature) =>
    signature.length === SIGNATURE_BYTES && !isRIdentity(signature) && ed25519.verify(raw, signingInput, signature)
}

async function importP256(jwk: PublicJwk): Promise<Verify | undefined> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const verify = jwk.kty === 'EC' ? await importWebCrypto(jwk, algorithm) : undefined
  return (
    verify &&
    (async (signingInput, signature) =>
      signature.length === SIGNATURE_BYTES && isLowS(signature) && verify(signingInput, signature))
  )
}

async function importRsa(jwk: PublicJwk): Promise<Verify | undefined> {
  return jwk.kty === 'RSA' ? importWebCrypto(jwk, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }) : undefined
}

async function importWebCrypto(
  jwk: PublicJwk,
  algorithm: { readonly name: string; readonly hash: string; readonly namedCurve?: string },
): Promise<Verify | undefined> {
  const { subtle } = globalThis.crypto
  try {
    const key = await subtle.importKey('jwk', { ...jwk }, algorithm, false, ['verify'])
    return (signingInput, signature) =>
      subtle.verify(algorithm, key, Uint8Array.from(signature), Uint8Array.from(signingInput))
  } catch {
    return undefined
  }
}
