import { sign as cryptoSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint, type PublicJwk, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { toLowS } from '@auth4agent/core/keys/ecdsa-p256'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'

/** A key pair for one algorithm, with both halves. */
export interface TestTokenKey {
  readonly kid: string
  readonly alg: TokenAlgorithm
  readonly jwk: PublicJwk
  readonly privateKey: KeyObject
  /** Creates a JWS in compact serialisation with any header and payload. Does not add alg and kid to the header. */
  readonly sign: (header: object, payload: object) => string
}

const GENERATE: Readonly<Record<TokenAlgorithm, () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  EdDSA: () => generateKeyPairSync('ed25519'),
  Ed25519: () => generateKeyPairSync('ed25519'),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
}

/** Creates a key pair with node:crypto only. */
export function testTokenKey(alg: TokenAlgorithm): TestTokenKey {
  const { publicKey, privateKey } = GENERATE[alg]()
  const jwk = readPublicJwk(publicKey.export({ format: 'jwk' }))
  if (jwk === undefined) throw new Error('The server code could not read a fresh key')
  return {
    kid: jwkThumbprint(jwk),
    alg,
    jwk,
    privateKey,
    sign(header, payload) {
      const signingInput = [header, payload].map((part) => encodeBase64url(Buffer.from(JSON.stringify(part)))).join('.')
      return `${signingInput}.${encodeBase64url(signBytes(alg, privateKey, Buffer.from(signingInput)))}`
    },
  }
}

/** Signs with an algorithm (RFC 7518 section 3, RFC 8037 section 3.1). For ES256, returns the lower of two valid S. */
export function signBytes(alg: TokenAlgorithm, key: KeyObject, message: Uint8Array): Uint8Array {
  if (alg === 'ES256') return toLowS(cryptoSign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }))
  return cryptoSign(alg === 'RS256' ? 'sha256' : null, message, key)
}
