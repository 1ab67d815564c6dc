import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isTokenAlgorithm, TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { invalidKey, otherCurve, WANTED_KEY } from './parse-signing-key-refusal.ts'

/**
 * A well-formed private JWK (RFC 8037 section 2, RFC 7518 sections 6.2 and 6.3). The values of its members have not
 * been checked yet.
 */
export type PrivateJwk =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly d: string }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string; readonly d: string }
  | RsaPrivateJwk

/** A private RSA JWK with two primes. */
export type RsaPrivateJwk = { readonly kty: 'RSA' } & Readonly<Record<RsaMember, string>>

type RsaMember = 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi'

/** Number of bytes of a coordinate and of a private half, for Ed25519 and for P-256. */
const COORDINATE_BYTES = 32

const READERS: ReadonlyMap<unknown, (jwk: JsonObject) => PrivateJwk> = new Map([
  ['OKP', readOkp],
  ['EC', readEc],
  ['RSA', readRsa],
])

/**
 * Reads the members of a private key from a JWK, each in its canonical form, and the `alg` of the JWK.
 * @throws ApiError INVALID_SIGNING_KEY when the JWK is not a supported private key or is not for signing
 */
export function readPrivateJwk(jwk: JsonObject): { key: PrivateJwk; alg: TokenAlgorithm | undefined } {
  if (Object.hasOwn(jwk, 'keys')) throw invalidKey('The text must be a single private JWK, not a JWK Set')
  if (jwk.kty === 'oct') throw invalidKey(`The JWK must not be a symmetric key; ${WANTED_KEY}`)
  const read = READERS.get(jwk.kty)
  if (read === undefined) throw invalidKey(`The kty of the JWK must be OKP, EC or RSA; ${WANTED_KEY}`)
  if (!Object.hasOwn(jwk, 'd'))
    throw invalidKey('The JWK must be a private key, which has a member d, not a public key')
  checkUse(jwk)
  return { key: read(jwk), alg: readAlg(jwk) }
}

/** Checks the declared use of the key (RFC 7517 sections 4.2 and 4.3). */
function checkUse(jwk: JsonObject): void {
  if (Object.hasOwn(jwk, 'use') && jwk.use !== 'sig') throw invalidKey('The use of the JWK must be sig')
  if (!Object.hasOwn(jwk, 'key_ops')) return
  if (!Array.isArray(jwk.key_ops) || !jwk.key_ops.includes('sign')) {
    throw invalidKey('The key_ops of the JWK must include sign')
  }
}

function readAlg(jwk: JsonObject): TokenAlgorithm | undefined {
  if (!Object.hasOwn(jwk, 'alg')) return undefined
  if (typeof jwk.alg === 'string' && isTokenAlgorithm(jwk.alg)) return jwk.alg
  throw invalidKey(`The alg of the JWK must be one of ${TOKEN_ALGORITHMS.join(', ')}`)
}

function readOkp(jwk: JsonObject): PrivateJwk {
  if (jwk.crv !== 'Ed25519') throw otherCurve()
  return { kty: 'OKP', crv: 'Ed25519', x: readCoordinate(jwk, 'x'), d: readCoordinate(jwk, 'd') }
}

function readEc(jwk: JsonObject): PrivateJwk {
  if (jwk.crv !== 'P-256') throw otherCurve()
  const [x, y, d] = [readCoordinate(jwk, 'x'), readCoordinate(jwk, 'y'), readCoordinate(jwk, 'd')]
  return { kty: 'EC', crv: 'P-256', x, y, d }
}

function readRsa(jwk: JsonObject): PrivateJwk {
  if (Object.hasOwn(jwk, 'oth')) throw invalidKey('The RSA key must have exactly two primes')
  const read = (name: RsaMember) => readNumber(jwk, name)
  const [n, e, d] = [read('n'), read('e'), read('d')]
  return { kty: 'RSA', n, e, d, p: read('p'), q: read('q'), dp: read('dp'), dq: read('dq'), qi: read('qi') }
}

function readCoordinate(jwk: JsonObject, name: 'x' | 'y' | 'd'): string {
  const { text, bytes } = readMember(jwk, name)
  if (bytes.length === COORDINATE_BYTES) return text
  throw invalidKey(`Member ${name} of the JWK must have ${COORDINATE_BYTES} bytes; export the key again`)
}

/** Reads a positive number, which must have no leading zero byte (RFC 7518 section 2). */
function readNumber(jwk: JsonObject, name: RsaMember): string {
  const { text, bytes } = readMember(jwk, name)
  if (bytes[0] !== undefined && bytes[0] !== 0) return text
  throw invalidKey(`Member ${name} of the JWK must be a positive number in its shortest form; export the key again`)
}

function readMember(jwk: JsonObject, name: string): { text: string; bytes: Uint8Array } {
  if (!Object.hasOwn(jwk, name)) throw invalidKey(`The JWK must have a member ${name}; give the complete private key`)
  const text = jwk[name]
  const bytes = typeof text === 'string' ? decodeBase64url(text) : undefined
  if (typeof text === 'string' && bytes !== undefined) return { text, bytes }
  throw invalidKey(`Member ${name} of the JWK must be base64url without padding; export the key again`)
}
