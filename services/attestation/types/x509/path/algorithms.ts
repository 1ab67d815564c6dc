import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { admitPublicKey } from '@auth4agent/core/keys/ed25519'
import { CertificateError } from './certificate-error.ts'
import type { Der } from './der.ts'
import { isEqual, readOctets } from './fields.ts'

/** Verifies a signature over bytes. Never throws. */
type Verify = (key: KeyObject, message: Uint8Array, signature: Uint8Array) => boolean

/** A signature algorithm of certificates and CRLs. */
export interface SignatureAlgorithm {
  readonly keyType: 'ec' | 'rsa' | 'ed25519'
  readonly verify: Verify
}

const ecdsa = (hash: string): SignatureAlgorithm => ({
  keyType: 'ec',
  verify: (key, message, signature) => verify(hash, message, { key, dsaEncoding: 'der' }, signature),
})
const pkcs1 = (hash: string): SignatureAlgorithm => ({ keyType: 'rsa', verify: (...args) => verifyRsa(hash, ...args) })
const pss = (hash: string, saltLength: number): SignatureAlgorithm => ({
  keyType: 'rsa',
  verify: (key, message, signature) =>
    verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature),
})

function verifyRsa(hash: string, key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(hash, message, key, signature)
}

/** RSASSA-PSS with one hash for everything and a salt of its length (RFC 4055 section 3.1). */
const pssIdentifier = (hash: string, salt: string) =>
  `304106092a864886f70d01010a3034a00f300d0609${hash}0500a11c301a06092a864886f70d010108300d0609${hash}0500a203${salt}`

/**
 * By the whole DER of AlgorithmIdentifier, with its parameters: each algorithm has exactly one accepted form. There is
 * no MD5 and no SHA-1.
 */
const SIGNATURES: Readonly<Record<string, SignatureAlgorithm>> = {
  '300a06082a8648ce3d040302': ecdsa('sha256'),
  '300a06082a8648ce3d040303': ecdsa('sha384'),
  '300a06082a8648ce3d040304': ecdsa('sha512'),
  '300d06092a864886f70d01010b0500': pkcs1('sha256'),
  '300d06092a864886f70d01010c0500': pkcs1('sha384'),
  '300d06092a864886f70d01010d0500': pkcs1('sha512'),
  [pssIdentifier('608648016503040201', '020120')]: pss('sha256', 32),
  [pssIdentifier('608648016503040202', '020130')]: pss('sha384', 48),
  [pssIdentifier('608648016503040203', '020140')]: pss('sha512', 64),
  '300506032b6570': { keyType: 'ed25519', verify: (key, message, signature) => verify(null, message, key, signature) },
}

/** Returns the signature algorithm that an AlgorithmIdentifier names. */
export function readSignatureAlgorithm(element: Der | undefined): SignatureAlgorithm {
  const algorithm = element && SIGNATURES[Buffer.from(element.bytes).toString('hex')]
  if (algorithm !== undefined) return algorithm
  throw new CertificateError('must be signed with ECDSA, RSA or Ed25519, and with SHA-256, SHA-384 or SHA-512')
}

/** The kind of key by the whole DER of AlgorithmIdentifier: a curve is named, never explicit (RFC 5480 2.1.1). */
const KEYS: Readonly<Record<string, CertifiedKey['kind']>> = {
  '301306072a8648ce3d020106082a8648ce3d030107': 'P-256',
  '301006072a8648ce3d020106052b81040022': 'P-384',
  '300d06092a864886f70d0101010500': 'RSA',
  '300506032b6570': 'Ed25519',
}
/** The first octet of a point that is compressed or uncompressed. RFC 5480 section 2.2 forbids every other one. */
const POINT_FORMS: ReadonlySet<number | undefined> = new Set([2, 3, 4])
const RSA_BITS = { min: 2_048, max: 8_192 }
const RSA_EXPONENT = { min: 65_537n, max: 2n ** 32n }

/** A public key that certificates may have. */
export interface CertifiedKey {
  readonly key: KeyObject
  readonly kind: 'P-256' | 'P-384' | 'RSA' | 'Ed25519'
}

/** Imports a SubjectPublicKeyInfo. Accepts P-256, P-384, Ed25519, and RSA of 2048 to 8192 bits. */
export function readPublicKey(spki: Der): CertifiedKey {
  const [algorithm, bits] = spki.children
  const kind = algorithm && KEYS[Buffer.from(algorithm.bytes).toString('hex')]
  const key = kind && importKey(spki.bytes)
  // Another encoding of the same key would be another set of bytes than those that are verified.
  const isCanonical = key && isEqual(key.export({ type: 'spki', format: 'der' }), spki.bytes)
  if (kind && isCanonical && isRight(kind, key, readOctets(bits, 'a public key'))) return { key, kind }
  const { min, max } = RSA_BITS
  throw new CertificateError(
    `must have a key of P-256, P-384, Ed25519, or RSA of ${min} to ${max} bits, and name its curve`,
  )
}

function isRight(kind: CertifiedKey['kind'], { asymmetricKeyDetails: details = {} }: KeyObject, raw: Uint8Array) {
  if (kind === 'Ed25519') return admitPublicKey(raw).ok
  if (kind !== 'RSA') return POINT_FORMS.has(raw[0])
  const { modulusLength: bits = 0, publicExponent: exponent = 0n } = details
  const isExponentRight = exponent >= RSA_EXPONENT.min && exponent <= RSA_EXPONENT.max && exponent % 2n === 1n
  return bits >= RSA_BITS.min && bits <= RSA_BITS.max && isExponentRight
}

function importKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' })
  } catch {
    return undefined
  }
}
