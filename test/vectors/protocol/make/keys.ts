import { createHash } from 'node:crypto'
import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { encodeMultikey } from '@auth4agent/core/encoding/multibase'
import { fingerprint } from '@auth4agent/core/identity/did'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { KeyPair } from '@auth4agent/core/keys/ed25519'
import { Point } from '@noble/ed25519'
import { jwksDocuments } from './jwks-documents.ts'
import { ADMIN_KEY, AGENT_KEY, describe, OTHER_AGENT_KEY, OTHER_ROOT_KEY, ROOT_KEY } from './parties.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const base58Prefix = 'z'

/** Makes every accepted form of a public key, and texts and points that are refused. */
export function makeKeys(): object {
  return {
    description: describe(
      'Ed25519 public keys: how they are written, their identifiers, and keys that are refused.',
      '`jwks_documents`: a JWK Set, and the keys in it that a verifier uses.',
      'There `{"repeat": e, "times": n}` in a list is n times the entry e.',
    ),
    keys: [
      key('operator root key (RFC 8032 test 1)', ROOT_KEY),
      key('agent key (RFC 8032 test 2)', AGENT_KEY),
      key('root key of another operator (RFC 8032 test 3)', OTHER_ROOT_KEY),
      key('administrator key', ADMIN_KEY),
      key('key of another agent', OTHER_AGENT_KEY),
    ],
    encodings: encodings(),
    multibase: multibase(),
    points: points(),
    jwks_documents: jwksDocuments(),
  }
}

function key(name: string, { publicKey, seed }: KeyPair): object {
  return {
    name,
    secret_seed_hex: hex(seed),
    expect: {
      public_key_hex: hex(publicKey),
      public_key: encodeBase64(publicKey),
      thumbprint_input: JSON.stringify({
        crv: 'Ed25519',
        kty: 'OKP',
        x: Buffer.from(publicKey).toString('base64url'),
      }),
      thumbprint: thumbprint(publicKey),
      sha256_hex: createHash('sha256').update(publicKey).digest('hex'),
      fingerprint: fingerprint(publicKey),
      multibase: encodeMultikey(publicKey),
    },
  }
}

/** A key whose base64 has both + and /, which differ between the alphabets. The key of RFC 8032 test 2 has only /. */
const BYTES = Buffer.from('fbefbe3e3f7d86dc1ab41ba0e2a3ec1cb3a2d94b60b1a5b0d0fdc0fe0a5d3bf3', 'hex')
const STANDARD = BYTES.toString('base64')
const URL = BYTES.toString('base64url')

const base64Accepted = (name: string, text: string) => ({ name, text, expect: { public_key_hex: hex(BYTES) } })
const textRefused = (name: string, text: string) => ({ name, text, expect: { refused: 'encoding' } })

function encodings(): object[] {
  return [
    base64Accepted('standard base64 with padding, the form that the server writes', STANDARD),
    base64Accepted('standard base64 without padding', STANDARD.replace('=', '')),
    base64Accepted('base64url without padding', URL),
    base64Accepted('base64url with padding', `${URL}=`),
    textRefused('both alphabets in one text', STANDARD.replace('+', '-')),
    textRefused('too much padding', `${URL}==`),
    textRefused('white space inside', `${STANDARD.slice(0, 20)} ${STANDARD.slice(20)}`),
    textRefused('a line feed at the end', `${STANDARD}\n`),
    textRefused('unused bits set in the last character', `${URL.slice(0, -1)}${nextCharacter(URL.slice(-1))}`),
    textRefused('a character that no base64 alphabet has', `${URL.slice(0, -1)}!`),
    textRefused('hexadecimal with a colon', '01:02'),
  ]
}

function nextCharacter(character: string): string {
  return String.fromCharCode(character.charCodeAt(0) + 1)
}

function multibase(): object[] {
  const { publicKey } = AGENT_KEY
  const good = encodeMultikey(publicKey)
  const accepted = (name: string, text: string) => ({ name, text, expect: { public_key_hex: hex(publicKey) } })
  return [
    accepted('a Multikey, the form that the server writes', good),
    accepted('standard base64, as version-1 clients send it', encodeBase64(publicKey)),
    accepted('base64url without padding', Buffer.from(publicKey).toString('base64url')),
    textRefused('a Multikey without its prefix', good.slice(base58Prefix.length)),
    textRefused('a character that base58btc does not have', good.replace(/.$/, '0')),
    textRefused('another multibase prefix', `u${good.slice(base58Prefix.length)}`),
    textRefused('a Multikey of an X25519 key', 'z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc'),
    textRefused('a Multikey that ends early', good.slice(0, -1)),
    textRefused('an empty text', ''),
  ]
}

const P = 2n ** 255n - 19n

/** Encodes y in 32 bytes, little-endian, with the sign of x in the highest bit. */
function encodeY(y: bigint, sign = 0): Buffer {
  const bytes = Buffer.from(y.toString(16).padStart(64, '0'), 'hex').toReversed()
  bytes[31] = (bytes[31] ?? 0) | (sign << 7)
  return Buffer.from(bytes)
}

/** A point of order 8 in hexadecimal, from table 6 of "Taming the many EdDSAs". RFC 7748 and RFC 8032 contain none. */
const ORDER_8 = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'

const pointRefused = (name: string, bytes: Uint8Array, why: string) => ({
  name,
  public_key_hex: hex(bytes),
  expect: { refused: why },
})

function points(): object[] {
  const torsion = Point.fromHex(ORDER_8)
  const multiples = Array.from({ length: 8 }, (_, index) => {
    const point = Array.from({ length: index + 1 }).reduce<Point>((sum) => sum.add(torsion), Point.ZERO)
    return pointRefused(`a point of small order: ${index + 1} times a point of order 8`, point.toBytes(), 'small-order')
  })
  const mixed = Point.fromBytes(ROOT_KEY.publicKey).add(torsion)
  return [
    { name: 'the key of RFC 8032 test 1', public_key_hex: hex(ROOT_KEY.publicKey), expect: 'accepted' },
    pointRefused('no bytes', Buffer.alloc(0), 'length'),
    pointRefused('31 bytes', ROOT_KEY.publicKey.subarray(0, 31), 'length'),
    pointRefused('33 bytes', Buffer.concat([ROOT_KEY.publicKey, Buffer.alloc(1)]), 'length'),
    pointRefused('y = 2, which no point of the curve has', encodeY(2n), 'not-on-curve'),
    pointRefused('y = p, a second form of y = 0', encodeY(P), 'non-canonical'),
    pointRefused('y = p + 1, a second form of y = 1', encodeY(P + 1n), 'non-canonical'),
    pointRefused('y = 1 with the sign of x set although x is 0', encodeY(1n, 1), 'non-canonical'),
    ...multiples,
    pointRefused('the key of RFC 8032 test 1 plus a point of order 8', mixed.toBytes(), 'mixed-order'),
  ]
}
