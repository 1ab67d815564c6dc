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

const ED25519 = Buffer.from('300506032b6570', 'hex')
const CURVES = { prime256v1: 'P-256', secp384r1: 'P-384' } as const
const RSA_BITS = { min: 2_048, max: 8_192 }
const RSA_EXPONENT = { min: 65_537n, max: 2n ** 32n }

/** A public key that certificates may have. */
export interface CertifiedKey {
  readonly key: KeyObject
  readonly kind: 'P-256' | 'P-384' | 'RSA' | 'Ed25519'
}

/** Imports a SubjectPublicKeyInfo. Accepts P-256, P-384, Ed25519, and RSA of 2048 to 8192 bits. */
export function readPublicKey(spki: Der): CertifiedKey {
  const key = importKey(spki.bytes)
  const kind = key && kindOf(key, spki)
  // Another encoding of the same key would be another set of bytes than those that are verified.
  const isCanonical = key && isEqual(key.export({ type: 'spki', format: 'der' }), spki.bytes)
  if (key !== undefined && kind !== undefined && isCanonical) return { key, kind }
  const { min, max } = RSA_BITS
  throw new CertificateError(`must have a key of P-256, P-384, Ed25519, or RSA of ${min} to ${max} bits`)
}

function kindOf(key: KeyObject, spki: Der): CertifiedKey['kind'] | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key
  if (type === 'rsa') {
    const { modulusLength: bits = 0, publicExponent: exponent = 0n } = details
    const isExponentRight = exponent >= RSA_EXPONENT.min && exponent <= RSA_EXPONENT.max && exponent % 2n === 1n
    return bits >= RSA_BITS.min && bits <= RSA_BITS.max && isExponentRight ? 'RSA' : undefined
  }
  if (type === 'ec') {
    const curve = Object.entries(CURVES).find(([name]) => name === details.namedCurve)
    return curve?.[1]
  }
  const [algorithm, bits] = spki.children
  const isEd25519 = type === 'ed25519' && algorithm !== undefined && isEqual(algorithm.bytes, ED25519)
  return isEd25519 && admitPublicKey(readOctets(bits, 'a public key')).ok ? 'Ed25519' : undefined
}

function importKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' })
  } catch {
    return undefined
  }
}
