import { createHash } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { Point } from '@noble/ed25519'
import type { Edits } from './jws.ts'
import { SIGNING_KEYS, type VectorSigningKey } from './parties.ts'

const { EdDSA, Ed25519, ES256, RS256 } = SIGNING_KEYS
type Jwk = Parameters<typeof jwkThumbprint>[0]

/** Returns the entry of a JWKS for a key, with changes. A member that is undefined is left out. */
const entryOf = ({ publicJwk, alg, kid }: VectorSigningKey, edits: Edits = {}): Edits => ({
  ...publicJwk,
  alg,
  use: 'sig',
  kid,
  ...edits,
})

/** Returns an entry whose kid is right for its members, so that nothing but the key can be wrong. */
const named = (alg: string, jwk: Jwk): Edits => ({ ...jwk, alg, use: 'sig', kid: jwkThumbprint(jwk) })

const document = (name: string, jwks: unknown, expect: object) => ({ name, jwks, expect })
const refused = (name: string, jwks: unknown) => document(name, jwks, { refused: 'not a JWKS' })
const counted = (name: string, keys: readonly unknown[], ...signing: readonly VectorSigningKey[]) =>
  document(name, { keys }, { keys: signing.map(({ kid, alg }) => ({ kid, alg })) })
const ignored = (name: string, entry: unknown) => counted(name, [entry])

/** Makes JWK Sets, and the kid and the algorithm of each key in them that a verifier uses. */
export function jwksDocuments(): object[] {
  const [good, enc] = [entryOf(EdDSA), entryOf(EdDSA, { use: 'enc' })]
  return [
    counted(
      'one key of each algorithm',
      [EdDSA, Ed25519, ES256, RS256].map((key) => entryOf(key)),
      EdDSA,
      Ed25519,
      ES256,
      RS256,
    ),
    counted('64 entries', [{ repeat: enc, times: 63 }, good], EdDSA),
    refused('65 entries', { keys: [{ repeat: enc, times: 64 }, good] }),
    counted('no entries', []),
    counted('a key twice', [good, good], EdDSA),
    counted(
      'a key twice, for both algorithms of its type: the verifier uses the first entry',
      [entryOf(EdDSA, { alg: 'Ed25519' }), good],
      { ...EdDSA, alg: 'Ed25519' },
    ),
    counted('a good entry after an ignored entry with the same kid', [enc, good], EdDSA),
    counted('entries that are not objects', [null, 'text', 1, [good], good], EdDSA),
    document(
      'an unknown member beside keys',
      { keys: [good], note: 'new' },
      { keys: [{ kid: EdDSA.kid, alg: EdDSA.alg }] },
    ),
    refused('no keys', {}),
    refused('keys that is an object', { keys: { 0: good } }),
    refused('an array of keys', [good]),
    refused('null', null),
    ...ignoredEntries(),
    ...ignoredCurvePoints(),
    ...ignoredModuli(),
  ]
}

function ignoredEntries(): object[] {
  return [
    ignored('no use', entryOf(EdDSA, { use: undefined })),
    ignored('use enc', entryOf(EdDSA, { use: 'enc' })),
    ignored('no alg', entryOf(EdDSA, { alg: undefined })),
    ignored('alg ES384', entryOf(ES256, { alg: 'ES384' })),
    ignored('alg ES256 of an Ed25519 key', entryOf(EdDSA, { alg: 'ES256' })),
    ignored('alg EdDSA of a P-256 key', entryOf(ES256, { alg: 'EdDSA' })),
    ignored('no kid', entryOf(EdDSA, { kid: undefined })),
    ignored('a kid that is not the thumbprint', entryOf(EdDSA, { kid: 'signing-key-1' })),
    ignored('an unknown member', entryOf(EdDSA, { note: 'new' })),
    ignored('the member key_ops', entryOf(EdDSA, { key_ops: ['verify'] })),
    ignored('a private key', entryOf(EdDSA, { d: EdDSA.privateJwk.d })),
    ignored('the members of another type', entryOf(EdDSA, { e: 'AQAB' })),
    ignored('a member with padding', padded()),
    ignored('a symmetric key', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256', use: 'sig', kid: 'secret' }),
  ]
}

function padded(): Edits {
  const { x } = EdDSA.publicJwk as { x: string }
  return named('EdDSA', { kty: 'OKP', crv: 'Ed25519', x: `${x}=` })
}

const ed25519 = (bytes: Uint8Array) => named('EdDSA', { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(bytes) })
const p256 = (x: string, y: string) => named('ES256', { kty: 'EC', crv: 'P-256', x, y })
const rsa = (n: Uint8Array, e = 'AQAB') => named('RS256', { kty: 'RSA', n: encodeBase64url(n), e })
const ORDER_8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')

function ignoredCurvePoints(): object[] {
  const { x: edX } = EdDSA.publicJwk as { x: string }
  const { x, y } = ES256.publicJwk as { x: string; y: string }
  const longer = encodeBase64url(Buffer.concat([Buffer.alloc(1), Buffer.from(x, 'base64url')]))
  const mixed = Point.fromBytes(Buffer.from(edX, 'base64url')).add(ORDER_8)
  return [
    ignored('Ed25519: a point of small order', ed25519(ORDER_8.toBytes())),
    ignored('Ed25519: a point of mixed order', ed25519(mixed.toBytes())),
    ignored('Ed25519: a y that no point of the curve has', ed25519(Uint8Array.of(2, ...Buffer.alloc(31)))),
    ignored('Ed25519: 31 bytes', ed25519(Buffer.from(edX, 'base64url').subarray(1))),
    ignored('P-256: a point that is not on the curve', p256(x, x)),
    ignored(
      'P-256: both coordinates are 0',
      p256(encodeBase64url(Buffer.alloc(32)), encodeBase64url(Buffer.alloc(32))),
    ),
    ignored('P-256: a coordinate of 33 bytes, the first of which is 0', p256(longer, y)),
  ]
}

/** Makes an odd number of this many bits. It may have small factors, because the vectors test only its form. */
function modulus(bits: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bits / 256) }, (_, index) =>
    createHash('sha256').update(`auth4agent test vector: modulus ${index}`).digest(),
  )
  const bytes = Buffer.concat(blocks).subarray(0, Math.ceil(bits / 8))
  const top = (bits - 1) % 8
  bytes[0] = ((bytes[0] ?? 0) & ((1 << top) - 1)) | (1 << top)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1
  return bytes
}

function ignoredModuli(): object[] {
  const even = modulus(2048)
  even[255] = 2
  return [
    counted('RSA: 4096 bits', [rsa(modulus(4096))], { ...RS256, kid: String(rsa(modulus(4096))['kid']) }),
    ignored('RSA: 4097 bits', rsa(modulus(4097))),
    ignored('RSA: 2047 bits', rsa(modulus(2047))),
    ignored('RSA: 1024 bits', rsa(modulus(1024))),
    ignored('RSA: an even modulus', rsa(even)),
    ignored('RSA: a modulus whose first byte is 0', rsa(Buffer.concat([Buffer.alloc(1), modulus(2048)]))),
    ignored('RSA: the exponent 3', rsa(modulus(2048), 'Aw')),
    ignored('RSA: the exponent 65537 in four bytes', rsa(modulus(2048), 'AAEAAQ')),
  ]
}
