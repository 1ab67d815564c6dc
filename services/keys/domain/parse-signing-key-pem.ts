import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import { invalidKey, otherCurve, WANTED_KEY } from './parse-signing-key-refusal.ts'

type Structure = 'pkcs8' | 'sec1' | 'pkcs1'

/** What a PEM label announces (RFC 7468 section 10, RFC 5915 section 4, RFC 8017 appendix A.1.2). */
const STRUCTURES: ReadonlyMap<string, Structure> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
  ['RSA PRIVATE KEY', 'pkcs1'],
])

const ENCRYPTED = 'The PEM is encrypted. Decrypt it with: openssl pkey -in KEY -out DECRYPTED'

/** What is taken for a private key by mistake. */
const OTHERS: readonly (readonly [label: RegExp, detail: string])[] = [
  [/^ENCRYPTED PRIVATE KEY$/, ENCRYPTED],
  [/PUBLIC KEY$/, 'The PEM is a public key. Give the private key'],
  [/CERTIFICATE/, 'The PEM is a certificate. Give the private key'],
  [
    /^OPENSSH PRIVATE KEY$/,
    'The key is in the format of OpenSSH. Convert a copy of an RSA or ECDSA key with: ssh-keygen -p -N "" -m PKCS8 -f COPY. For Ed25519 make a new one with: openssl genpkey -algorithm ED25519',
  ],
]

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----\s([\s\S]*)-----END \1-----$/

/** An Ed25519 key in PKCS #8 without attributes and public half (RFC 8410 section 7). */
const ED25519_BYTES = 48

/**
 * Reads the one private key of a PEM text as a JWK; whether its parts belong together is not checked. Text around the block,
 * headers and bytes behind the key, which OpenSSL would pass over, are refused. Throws INVALID_SIGNING_KEY.
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
    throw invalidKey('The PEM has several blocks. Give the block of the private key alone')
  }
  const [, label, body] = BLOCK.exec(text) ?? []
  if (label === undefined || body === undefined) {
    throw invalidKey(
      'The text is neither a JWK nor one PEM block, from its line BEGIN to its line END. Give one of these',
    )
  }
  const structure = STRUCTURES.get(label)
  if (structure === undefined) {
    throw invalidKey(OTHERS.find(([pattern]) => pattern.test(label))?.[1] ?? `The PEM is something else. ${WANTED_KEY}`)
  }
  // How PEM said that it is encrypted before PKCS #8 (RFC 1421 section 4.6.1.1).
  if (/^Proc-Type:.*ENCRYPTED/m.test(body)) throw invalidKey(ENCRYPTED)
  const base64 = body.replaceAll(/\s/g, '')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') === base64 && isOneElement(bytes)) return { structure, bytes }
  throw damaged()
}

function exportJwk(der: Buffer, structure: Structure): JsonObject {
  const key = importKey(der, structure)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa-pss') throw invalidKey(`The key is for RSA-PSS alone. ${WANTED_KEY}`)
  if (type !== 'ed25519' && type !== 'ec' && type !== 'rsa')
    throw invalidKey(`The key is of another type. ${WANTED_KEY}`)
  if (type === 'ec' && details?.namedCurve !== 'prime256v1') throw otherCurve()
  if (type === 'ed25519' && der.length !== ED25519_BYTES) {
    throw invalidKey('The PEM holds more than an Ed25519 key. Rewrite it with: openssl pkey -in KEY -out REWRITTEN')
  }
  return { ...key.export({ format: 'jwk' }) }
}

/** Errors of OpenSSL are about the key, so none goes further. */
function importKey(key: Buffer, type: Structure): KeyObject {
  try {
    return createPrivateKey({ key, format: 'der', type })
  } catch {
    throw damaged()
  }
}

/** Whether bytes are one element of DER, from the first to the last (X.690 sections 8.1.3 and 10.1). */
function isOneElement(der: Buffer): boolean {
  const [, length = 0] = der
  if (length < 0x80) return der.length === 2 + length
  if (length === 0x81) return der.length === 3 + (der[2] ?? 0)
  return length === 0x82 && der.length >= 4 && der.length === 4 + der.readUInt16BE(2)
}

function damaged(): Error {
  return invalidKey('The PEM is damaged, has headers or is not what its label says. Export the key again')
}
