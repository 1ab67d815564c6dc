import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { invalidKey, otherCurve, WANTED_KEY } from './parse-signing-key-refusal.ts'

type Structure = 'pkcs8' | 'sec1' | 'pkcs1'

/** The structure by PEM label (RFC 7468 section 10, RFC 5915 section 4, RFC 8017 appendix A.1.2). */
const STRUCTURES: ReadonlyMap<string, Structure> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
  ['RSA PRIVATE KEY', 'pkcs1'],
])

const ENCRYPTED = 'The PEM must not be encrypted; decrypt it with: openssl pkey -in KEY -out DECRYPTED'

/** PEM labels of other texts that people may use by mistake, each with its error detail. */
const OTHERS: readonly (readonly [label: RegExp, detail: string])[] = [
  [/^ENCRYPTED PRIVATE KEY$/, ENCRYPTED],
  [/PUBLIC KEY$/, 'The PEM must be a private key, not a public key'],
  [/CERTIFICATE/, 'The PEM must be a private key, not a certificate'],
  [
    /^OPENSSH PRIVATE KEY$/,
    'The key must not be in the format of OpenSSH; convert a copy of an RSA or ECDSA key with: ssh-keygen -p -N "" -m PKCS8 -f COPY; for Ed25519 create a new key with: openssl genpkey -algorithm ED25519',
  ],
]

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----\s([\s\S]*)-----END \1-----$/

/** Number of bytes of an Ed25519 key in PKCS #8 without attributes and public half (RFC 8410 section 7). */
const ED25519_BYTES = 48

/**
 * Reads the private key of a PEM text as a JWK. Does not check that the parts of the key belong together.
 * Refuses text around the block, headers, and bytes after the key, all of which OpenSSL would ignore.
 * @throws ApiError INVALID_SIGNING_KEY
 */
export function readPemKey(text: string): JsonObject {
  const { bytes, structure } = readBlock(text)
  try {
    return exportJwk(bytes, structure)
  } finally {
    bytes.fill(0)
  }
}

function readBlock(text: string): { structure: Structure; bytes: Buffer } {
  if (text.split('-----BEGIN ').length > 2) {
    throw invalidKey('The PEM must have only one block, the block of the private key')
  }
  const [, label, body] = BLOCK.exec(text) ?? []
  if (label === undefined || body === undefined) {
    throw invalidKey('The text must be a JWK, or one PEM block from its BEGIN line to its END line')
  }
  const structure = STRUCTURES.get(label)
  if (structure === undefined) {
    const other = OTHERS.find(([pattern]) => pattern.test(label))
    throw invalidKey(other?.[1] ?? `The PEM must be a private key; ${WANTED_KEY}`)
  }
  // The old header of an encrypted PEM, from before PKCS #8 (RFC 1421 section 4.6.1.1).
  if (/^Proc-Type:.*ENCRYPTED/m.test(body)) throw invalidKey(ENCRYPTED)
  const base64 = body.replaceAll(/\s/g, '')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') === base64 && isOneElement(bytes)) return { structure, bytes }
  throw damaged()
}

function exportJwk(der: Buffer, structure: Structure): JsonObject {
  const key = importKey(der, structure)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa-pss') throw invalidKey(`The key must not be an RSA-PSS key; ${WANTED_KEY}`)
  if (type !== 'ed25519' && type !== 'ec' && type !== 'rsa')
    throw invalidKey(`The type of the key is not supported; ${WANTED_KEY}`)
  if (type === 'ec' && details?.namedCurve !== 'prime256v1') throw otherCurve()
  if (type === 'ed25519' && der.length !== ED25519_BYTES) {
    throw invalidKey('The PEM must contain only an Ed25519 key; rewrite it with: openssl pkey -in KEY -out REWRITTEN')
  }
  return { ...key.export({ format: 'jwk' }) }
}

/** Imports a key. Replaces errors of OpenSSL by its own error, because errors of OpenSSL may quote the key. */
function importKey(key: Buffer, type: Structure): KeyObject {
  try {
    return createPrivateKey({ key, format: 'der', type })
  } catch {
    throw damaged()
  }
}

/** Returns whether the bytes are exactly one DER element (X.690 sections 8.1.3 and 10.1). */
function isOneElement(der: Buffer): boolean {
  const [, length = 0] = der
  if (length < 0x80) return der.length === 2 + length
  if (length === 0x81) return der.length === 3 + (der[2] ?? 0)
  return length === 0x82 && der.length >= 4 && der.length === 4 + der.readUInt16BE(2)
}

function damaged(): Error {
  return invalidKey('The PEM is damaged, has headers or does not match its label; export the key again')
}
