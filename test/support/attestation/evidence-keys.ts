import { constants, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { encodeUtf8 } from '@auth4agent/core/encoding/utf8'
import type { EvidenceAlgorithm } from '../../../services/platform/jwt/algorithms.ts'

/** A key that signs evidence in a test. */
export interface TestKey {
  readonly kid: string
  readonly alg: EvidenceAlgorithm
  readonly privateKey: KeyObject
  /** With `kid` and `alg`. */
  readonly jwk: JsonWebKey & { readonly kid: string; readonly alg: EvidenceAlgorithm }
}

/** How the tests make keys of an algorithm and sign with them. */
interface Scheme {
  readonly generate: (bits: number) => { publicKey: KeyObject; privateKey: KeyObject }
  readonly hash: string | null
  readonly options?: object
}

const SCHEMES: Readonly<Record<EvidenceAlgorithm, Scheme>> = {
  EdDSA: { generate: () => generateKeyPairSync('ed25519'), hash: null },
  Ed25519: { generate: () => generateKeyPairSync('ed25519'), hash: null },
  ES256: ecdsa('P-256', 'sha256'),
  ES384: ecdsa('P-384', 'sha384'),
  ES512: ecdsa('P-521', 'sha512'),
  RS256: rsa('sha256'),
  RS384: rsa('sha384'),
  RS512: rsa('sha512'),
  PS256: rsa('sha256', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  PS384: rsa('sha384', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 }),
  PS512: rsa('sha512', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }),
}

/** Makes a key pair. */
export function makeTestKey(alg: EvidenceAlgorithm, kid = `key-${alg}`, bits = 2_048): TestKey {
  const { publicKey, privateKey } = SCHEMES[alg].generate(bits)
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg } }
}

/** Signs bytes as the algorithm demands. */
export function signEvidence(
  { alg, privateKey: key }: Pick<TestKey, 'alg' | 'privateKey'>,
  bytes: Uint8Array,
): Uint8Array {
  return sign(SCHEMES[alg].hash, bytes, { key, ...SCHEMES[alg].options })
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

function ecdsa(namedCurve: string, hash: string): Scheme {
  return { generate: () => generateKeyPairSync('ec', { namedCurve }), hash, options: { dsaEncoding: 'ieee-p1363' } }
}

function rsa(hash: string, options = {}): Scheme {
  return { generate: (modulusLength) => generateKeyPairSync('rsa', { modulusLength }), hash, options }
}
