import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { isTokenAlgorithm, TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { invalidKey, otherCurve, WANTED_KEY } from './parse-signing-key-refusal.ts'

/** A private JWK (RFC 8037 section 2, RFC 7518 sections 6.2 and 6.3) of the right form; whether it is a key is not known. */
export type PrivateJwk =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly d: string }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string; readonly d: string }
  | RsaPrivateJwk

/** A private JWK of RSA with two primes. */
export type RsaPrivateJwk = { readonly kty: 'RSA' } & Readonly<Record<RsaMember, string>>

type RsaMember = 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi'

/** Octets of a coordinate, and of the private half, of Ed25519 and of P-256. */
const COORDINATE_BYTES = 32

const READERS: ReadonlyMap<unknown, (jwk: JsonObject) => PrivateJwk> = new Map([
  ['OKP', readOkp],
  ['EC', readEc],
  ['RSA', readRsa],
])

/**
 * Takes from a JWK what makes a private key, each member in its one canonical form, and the algorithm that it names itself.
 * Throws INVALID_SIGNING_KEY for one that is no such key or is not meant to sign.
 */
export function readPrivateJwk(jwk: JsonObject): { key: PrivateJwk; alg: TokenAlgorithm | undefined } {
  if (Object.hasOwn(jwk, 'keys')) throw invalidKey('The text is a JWK Set. Give one private JWK alone')
  if (jwk.kty === 'oct') throw invalidKey(`The JWK is a symmetric key. ${WANTED_KEY}`)
  const read = READERS.get(jwk.kty)
  if (read === undefined) throw invalidKey(`The kty of the JWK is not OKP, EC or RSA. ${WANTED_KEY}`)
  if (!Object.hasOwn(jwk, 'd')) throw invalidKey('The JWK is a public key. Give the private one, which has a member d')
  checkUse(jwk)
  return { key: read(jwk), alg: readAlg(jwk) }
}

/** RFC 7517 sections 4.2 and 4.3: a key that says what it is for is used for nothing else. */
function checkUse(jwk: JsonObject): void {
  if (Object.hasOwn(jwk, 'use') && jwk.use !== 'sig')
    throw invalidKey('The use of the JWK is not sig. Give a signing key')
  if (!Object.hasOwn(jwk, 'key_ops')) return
  if (!Array.isArray(jwk.key_ops) || !jwk.key_ops.includes('sign')) {
    throw invalidKey('The key_ops of the JWK are without sign. Give a signing key')
  }
}

function readAlg(jwk: JsonObject): TokenAlgorithm | undefined {
  if (!Object.hasOwn(jwk, 'alg')) return undefined
  if (typeof jwk.alg === 'string' && isTokenAlgorithm(jwk.alg)) return jwk.alg
  throw invalidKey(`The alg of the JWK is not one of ${TOKEN_ALGORITHMS.join(', ')}. Give a key for one of these`)
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
  if (Object.hasOwn(jwk, 'oth')) throw invalidKey(`The RSA key has more than two primes. ${WANTED_KEY}`)
  const read = (name: RsaMember) => readNumber(jwk, name)
  const [n, e, d] = [read('n'), read('e'), read('d')]
  return { kty: 'RSA', n, e, d, p: read('p'), q: read('q'), dp: read('dp'), dq: read('dq'), qi: read('qi') }
}

function readCoordinate(jwk: JsonObject, name: 'x' | 'y' | 'd'): string {
  const { text, bytes } = readMember(jwk, name)
  if (bytes.length === COORDINATE_BYTES) return text
  throw invalidKey(`Member ${name} of the JWK does not have ${COORDINATE_BYTES} bytes. Export the key again`)
}

/** RFC 7518 section 2: a number has no more octets than it needs. */
function readNumber(jwk: JsonObject, name: RsaMember): string {
  const { text, bytes } = readMember(jwk, name)
  if (bytes[0] !== undefined && bytes[0] !== 0) return text
  throw invalidKey(`Member ${name} of the JWK is not a positive number in its shortest form. Export the key again`)
}

function readMember(jwk: JsonObject, name: string): { text: string; bytes: Uint8Array } {
  if (!Object.hasOwn(jwk, name)) throw invalidKey(`The JWK has no member ${name}. Give the complete private key`)
  const text = jwk[name]
  const bytes = typeof text === 'string' ? decodeBase64url(text) : undefined
  if (typeof text === 'string' && bytes !== undefined) return { text, bytes }
  throw invalidKey(`Member ${name} of the JWK is not base64url without padding. Export the key again`)
}
