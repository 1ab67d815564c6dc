import { createECDH, createPrivateKey, createPublicKey, type JsonWebKey } from 'node:crypto'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { compactVerify, exportJWK, exportPKCS8, generateKeyPair, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { openssl, opensslKey } from '../../../test/support/openssl.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { openTokenKey } from '../../platform/crypto/token-key.ts'
import { parseSigningKey } from './parse-signing-key.ts'

const ed25519 = opensslKey('ED25519')
const p256 = opensslKey('EC', 'ec_paramgen_curve:P-256')
const sec1 = openssl('ecparam -name prime256v1 -genkey -noout')
const rsa = opensslKey('RSA', 'rsa_keygen_bits:2048')

/** Returns the public half that openssl derives from a private key. */
function opensslPublic(key: string | Uint8Array): JsonWebKey {
  const format = typeof key === 'string' ? 'PEM' : 'DER'
  return createPublicKey(openssl(`pkey -inform ${format} -pubout`, key)).export({ format: 'jwk' })
}

/** Converts a PEM to a JWK and changes members. */
function jwkOf(pem: string, members: object = {}): string {
  return JSON.stringify({ ...createPrivateKey(pem).export({ format: 'jwk' }), ...members })
}

/** Expects that a text is the key with this public half, and that jose accepts its signatures. */
async function expectKey(text: string, asked: string, alg: TokenAlgorithm, publicJwk: object): Promise<void> {
  const parsed = await parseSigningKey(text, asked)
  expect({ ...parsed, secret: undefined }).toEqual({ alg, publicJwk, secret: undefined })
  const key = openTokenKey(alg, parsed.secret)
  expect(key?.publicJwk).toEqual(publicJwk)
  const signingInput = `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.cHJvYmU`
  const signature = Buffer.from((await key?.sign(Buffer.from(signingInput))) ?? [])
  const jws = `${signingInput}.${signature.toString('base64url')}`
  expect(await compactVerify(jws, await importJWK(publicJwk, alg))).toMatchObject({ protectedHeader: { alg } })
}

describe('parseSigningKey with a key of openssl', () => {
  it.each<[string, string, TokenAlgorithm]>([
    ['Ed25519 in PKCS #8', ed25519, 'EdDSA'],
    ['P-256 in PKCS #8', p256, 'ES256'],
    ['P-256 in SEC 1', sec1, 'ES256'],
    ['P-256 without its public half', openssl('ec -no_public', sec1), 'ES256'],
    [
      'P-256 with explicit curve parameters',
      opensslKey('EC', 'ec_paramgen_curve:P-256', 'ec_param_enc:explicit'),
      'ES256',
    ],
    ['P-256 with a compressed public half', openssl('ec -conv_form compressed', p256), 'ES256'],
    ['RSA of 2048 bits in PKCS #8', rsa, 'RS256'],
    ['RSA of 2048 bits in PKCS #1', openssl('rsa -traditional', rsa), 'RS256'],
    ['RSA of 3072 bits', opensslKey('RSA', 'rsa_keygen_bits:3072'), 'RS256'],
    ['RSA of 4096 bits', opensslKey('RSA', 'rsa_keygen_bits:4096'), 'RS256'],
  ])('reads %s', async (_name, pem, alg) => {
    await expectKey(pem, '', alg, opensslPublic(pem))
  })

  it.each([
    ['CRLF line ends', rsa.replaceAll('\n', '\r\n')],
    ['whitespace before and after it', `\n\t ${rsa}\r\n\n`],
    ['no line end after its last line', rsa.trimEnd()],
    ['all of its base64 in one line', rsa.replaceAll(/(?<=[\w+/])\n(?=[\w+/])/g, '')],
  ])('reads a PEM with %s', async (_name, pem) => {
    await expectKey(pem, '', 'RS256', opensslPublic(rsa))
  })
})

describe('parseSigningKey with a key of jose', () => {
  it.each<TokenAlgorithm>(['EdDSA', 'Ed25519', 'ES256', 'RS256'])(
    'reads a key for %s as PEM and as a JWK',
    async (alg) => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
      const publicJwk = await exportJWK(publicKey)
      await expectKey(await exportPKCS8(privateKey), alg, alg, publicJwk)
      await expectKey(`\r\n${JSON.stringify(await exportJWK(privateKey), undefined, 2)}\n`, alg, alg, publicJwk)
    },
  )
})

describe('parseSigningKey with a JWK', () => {
  it('ignores members that it does not need', async () => {
    const more = { kid: 'ours', use: 'sig', key_ops: ['sign', 'verify'], ext: true, nested: { d: [1] }, x5c: ['MII'] }
    await expectKey(jwkOf(p256, more), '', 'ES256', opensslPublic(p256))
  })

  it('accepts a private half that begins with zeros', async () => {
    const ecdh = createECDH('prime256v1')
    ecdh.setPrivateKey(Buffer.from([5]))
    const point = ecdh.getPublicKey()
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((bytes) => bytes.toString('base64url'))
    const publicJwk = { kty: 'EC', crv: 'P-256', x, y }
    const jwk = JSON.stringify({ ...publicJwk, d: Buffer.alloc(32).fill(5, 31).toString('base64url') })
    await expectKey(jwk, '', 'ES256', publicJwk)
  })
})

describe('the secret of parseSigningKey', () => {
  it('is the seed for an Ed25519 key', async () => {
    const { secret } = await parseSigningKey(ed25519, '')
    expect(Buffer.from(secret).toString('base64url')).toBe(createPrivateKey(ed25519).export({ format: 'jwk' }).d)
  })

  it.each([
    ['P-256', jwkOf(p256)],
    ['RSA', jwkOf(rsa)],
  ])('is PKCS #8 that openssl reads for a %s key', async (_name, jwk) => {
    const { secret, publicJwk } = await parseSigningKey(jwk, '')
    expect(opensslPublic(secret)).toEqual(publicJwk)
  })
})

describe('the alg of parseSigningKey', () => {
  it.each<[string, string, string, TokenAlgorithm]>([
    ['an Ed25519 PEM without alg', ed25519, '', 'EdDSA'],
    ['an Ed25519 PEM with the argument Ed25519', ed25519, 'Ed25519', 'Ed25519'],
    ['an Ed25519 PEM with the argument EdDSA', ed25519, 'EdDSA', 'EdDSA'],
    ['an Ed25519 JWK without alg', jwkOf(ed25519), '', 'EdDSA'],
    ['a JWK with the alg Ed25519', jwkOf(ed25519, { alg: 'Ed25519' }), '', 'Ed25519'],
    ['a JWK with the alg EdDSA', jwkOf(ed25519, { alg: 'EdDSA' }), '', 'EdDSA'],
    ['a JWK with the same alg as the argument', jwkOf(ed25519, { alg: 'Ed25519' }), 'Ed25519', 'Ed25519'],
    ['a JWK without alg with the argument Ed25519', jwkOf(ed25519), 'Ed25519', 'Ed25519'],
    ['a P-256 key', p256, 'ES256', 'ES256'],
    ['an RSA key', rsa, 'RS256', 'RS256'],
  ])('is determined for %s', async (_name, text, asked, alg) => {
    expect(await parseSigningKey(text, asked)).toMatchObject({ alg })
  })

  it.each(['ES384', 'PS256', 'HS256', 'none', 'eddsa', ' EdDSA', 'P-256', 'constructor', '__proto__'])(
    'is refused with INVALID_ALGORITHM when the argument is "%s"',
    async (alg) => {
      expect(await refusalOf(parseSigningKey(ed25519, alg))).toBe('INVALID_ALGORITHM')
      expect(await refusalOf(parseSigningKey('', alg))).toBe('INVALID_ALGORITHM')
    },
  )

  it.each([
    ['ES256 for an Ed25519 key', ed25519, 'ES256'],
    ['RS256 for an Ed25519 key', ed25519, 'RS256'],
    ['EdDSA for a P-256 key', p256, 'EdDSA'],
    ['RS256 for a P-256 key', p256, 'RS256'],
    ['Ed25519 for an RSA key', rsa, 'Ed25519'],
    ['ES256 for an RSA key', rsa, 'ES256'],
    ['RS256 in a JWK of P-256', jwkOf(p256, { alg: 'RS256' }), ''],
    ['EdDSA for a JWK with the alg Ed25519', jwkOf(ed25519, { alg: 'Ed25519' }), 'EdDSA'],
    ['Ed25519 for a JWK with the alg EdDSA', jwkOf(ed25519, { alg: 'EdDSA' }), 'Ed25519'],
  ])('cannot be %s', async (_name, text, alg) => {
    const refused = parseSigningKey(text, alg)
    await expect(refused).rejects.toMatchObject({ reason: 'INVALID_SIGNING_KEY' })
    await expect(refused).rejects.toThrow('alg')
  })
})
