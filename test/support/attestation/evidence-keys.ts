import { constants, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import type { EvidenceAlgorithm } from '../../../services/attestation/types/jwt/algorithms.ts'

/** A key that signs evidence in a test. */
export interface TestKey {
  readonly kid: string
  readonly alg: EvidenceAlgorithm
  readonly privateKey: KeyObject
  /** With `kid` and `alg`. */
  readonly jwk: JsonWebKey & { readonly kid: string; readonly alg: EvidenceAlgorithm }
}

const GENERATE: Readonly<Record<EvidenceAlgorithm, (bits: number) => { publicKey: KeyObject; privateKey: KeyObject }>> =
  {
    EdDSA: () => generateKeyPairSync('ed25519'),
    Ed25519: () => generateKeyPairSync('ed25519'),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    RS256: (modulusLength) => generateKeyPairSync('rsa', { modulusLength }),
    PS256: (modulusLength) => generateKeyPairSync('rsa', { modulusLength }),
  }

/** Makes a key pair. */
export function makeTestKey(alg: EvidenceAlgorithm, kid = `key-${alg}`, bits = 2_048): TestKey {
  const { publicKey, privateKey } = GENERATE[alg](bits)
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg } }
}

/** Signs bytes as the algorithm demands. */
export function signEvidence(
  { alg, privateKey: key }: Pick<TestKey, 'alg' | 'privateKey'>,
  message: Uint8Array,
): Uint8Array {
  if (alg === 'EdDSA' || alg === 'Ed25519') return sign(null, message, key)
  if (alg === 'ES256') return sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })
  if (alg === 'ES384') return sign('sha384', message, { key, dsaEncoding: 'ieee-p1363' })
  if (alg === 'RS256') return sign('sha256', message, key)
  return sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
}

/** Signs a JWT. A payload that is a text is taken as it is. Header members that are undefined are left out. */
export function signTestJwt(key: TestKey, payload: object | string, header: object = {}): string {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const signed = `${encodePart({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })}.${encodeBase64url(encodeUtf8(text))}`
  return `${signed}.${encodeBase64url(signEvidence(key, encodeUtf8(signed)))}`
}

function encodePart(json: object): string {
  return encodeBase64url(encodeUtf8(JSON.stringify(json)))
}
