import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { ALG, CURVE_P256 } from './constants.ts'
import { sha256 } from './digest.ts'
import { FieldReader, readWhole } from './reader.ts'

/** The public area of a key in a TPM (TPMT_PUBLIC, Part 2 section 12.2.4): RSA, or ECC with P-256. */
export interface PublicArea {
  readonly key: KeyObject
  /** The name: the hash algorithm and the SHA-256 of the public area (Part 1 section 16). It identifies the key. */
  readonly name: Uint8Array
  readonly attributes: number
  /** The algorithm by which a storage key protects secrets; undefined if none. */
  readonly symmetric: { readonly algorithm: number; readonly bits: number; readonly mode: number } | undefined
  /** The only algorithm that the key may use; undefined if the caller of the TPM may choose. */
  readonly scheme: { readonly algorithm: number; readonly hash: number } | undefined
}

const NAME_ALGORITHM = Uint8Array.of(0, ALG.sha256)
const RSA_BITS = [2048, 3072, 4096]
const COORDINATE_BYTES = 32
const MAX_POLICY_BYTES = 64
const RSA_EXPONENT = 65_537

/**
 * Reads a TPM2B_PUBLIC.
 *
 * @param member the name of the member of the evidence, for messages
 * @throws RefusedEvidence
 */
export function readPublicArea(bytes: Uint8Array, member: string): PublicArea {
  const inner = readWhole(new FieldReader(bytes, member), (reader) => reader.sized(bytes.length))
  return readWhole(new FieldReader(inner, member), (reader) => readFields(reader, inner))
}

/** Returns the name of an object: the algorithm of the hash, and the SHA-256 of the parts. */
export function nameOf(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([NAME_ALGORITHM, sha256(...parts)])
}

function readFields(reader: FieldReader, bytes: Uint8Array): PublicArea {
  const type = reader.u16()
  if (type !== ALG.rsa && type !== ALG.ecc) reader.refuse('must be a key for RSA or ECC')
  if (reader.u16() !== ALG.sha256) reader.refuse('must have a name that is made with SHA-256')
  const attributes = reader.u32()
  reader.sized(MAX_POLICY_BYTES)
  const symmetric = readSymmetric(reader)
  const scheme = readScheme(reader)
  const jwk = type === ALG.rsa ? readRsa(reader) : readPoint(reader)
  return { key: importKey(reader, jwk), name: nameOf(bytes), attributes, symmetric, scheme }
}

function readSymmetric(reader: FieldReader): PublicArea['symmetric'] {
  const algorithm = reader.u16()
  return algorithm === ALG.null ? undefined : { algorithm, bits: reader.u16(), mode: reader.u16() }
}

function readScheme(reader: FieldReader): PublicArea['scheme'] {
  const algorithm = reader.u16()
  if (algorithm === ALG.null) return undefined
  const isKnown = algorithm === ALG.rsassa || algorithm === ALG.rsapss || algorithm === ALG.ecdsa
  if (!isKnown) reader.refuse('must have no scheme, or RSASSA, RSAPSS or ECDSA')
  return { algorithm, hash: reader.u16() }
}

function readRsa(reader: FieldReader): JsonWebKey {
  const bits = reader.u16()
  if (!RSA_BITS.includes(bits)) reader.refuse(`must have a modulus of ${RSA_BITS.join(', ')} bits`)
  const exponent = reader.u32()
  // Zero means the default.
  if (exponent !== 0 && exponent !== RSA_EXPONENT) reader.refuse(`must have the exponent ${RSA_EXPONENT}`)
  const modulus = reader.sized(bits / 8)
  const [first = 0] = modulus
  if (modulus.length !== bits / 8 || first < 0x80) reader.refuse(`must have a modulus of exactly ${bits} bits`)
  return { kty: 'RSA', n: encodeBase64url(modulus), e: 'AQAB' }
}

function readPoint(reader: FieldReader): JsonWebKey {
  if (reader.u16() !== CURVE_P256) reader.refuse('must use the curve P-256')
  if (reader.u16() !== ALG.null) reader.refuse('must have no key derivation scheme')
  return { kty: 'EC', crv: 'P-256', x: readCoordinate(reader), y: readCoordinate(reader) }
}

function readCoordinate(reader: FieldReader): string {
  return encodeBase64url(padCoordinate(reader.sized(COORDINATE_BYTES)))
}

/** Puts zeros before a number of a TPM, which may omit them. */
export function padCoordinate(number: Uint8Array): Uint8Array {
  return Buffer.concat([new Uint8Array(COORDINATE_BYTES - number.length), number])
}

function importKey(reader: FieldReader, key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    return reader.refuse('must contain a key that OpenSSL accepts')
  }
}
