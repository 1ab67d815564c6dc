import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { importTokenVerifier } from '@auth4agent/core/token/token-verifier'
import { describe, expect, it } from 'vitest'
import { testTokenKey } from '../../../test/support/token-keys.ts'
import { exportTokenKey, generateTokenKey, openTokenKey } from './token-key.ts'

const INPUT = Buffer.from('header.payload')
const PAIRS = await Promise.all(TOKEN_ALGORITHMS.map(async (alg) => ({ alg, ...(await generateTokenKey(alg)) })))
const secretOf = (wanted: TokenAlgorithm) => PAIRS.find(({ alg }) => alg === wanted)?.secret ?? new Uint8Array()
const SEED = secretOf('EdDSA')
const EC = secretOf('ES256')
const RSA = secretOf('RS256')

const der = ({ privateKey }: { privateKey: KeyObject }) => privateKey.export({ format: 'der', type: 'pkcs8' })
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent })
const otherEc = der(ec('P-256'))

describe('generateTokenKey', () => {
  it.each([
    ['EdDSA', 32, 32],
    ['Ed25519', 32, 32],
    ['ES256', 138, 138],
    ['RS256', 1214, 1222],
  ] as const)('generates a key for %s that can be opened, signs, and has %i to %i bytes', async (alg, least, most) => {
    const { publicJwk, secret } = await generateTokenKey(alg)
    expect(secret.length).toBeGreaterThanOrEqual(least)
    expect(secret.length).toBeLessThanOrEqual(most)
    const key = openTokenKey(alg, secret)
    expect(key?.publicJwk).toEqual(publicJwk)
    const signature = (await key?.sign(INPUT)) ?? new Uint8Array()
    expect(importTokenVerifier(alg, publicJwk)?.verify(INPUT, signature)).toBe(true)
  })

  it('generates a different key every time', async () => {
    const kids = await Promise.all(
      TOKEN_ALGORITHMS.map(async (alg) => jwkThumbprint((await generateTokenKey(alg)).publicJwk)),
    )
    expect(new Set([...kids, ...PAIRS.map(({ publicJwk }) => jwkThumbprint(publicJwk))]).size).toBe(8)
  })

  it('generates RSA keys of 2048 bits without blocking the event loop', async () => {
    const made = new AbortController()
    const making = generateTokenKey('RS256').finally(() => made.abort())
    let turns = 0
    for (; !made.signal.aborted; turns++) await setImmediate()
    expect(turns).toBeGreaterThan(20)
    expect((await making).publicJwk).toMatchObject({ kty: 'RSA', n: expect.stringMatching(/^.{342}$/), e: 'AQAB' })
  })
})

describe('openTokenKey', () => {
  it('opens an Ed25519 seed and returns the public key that belongs to it', async () => {
    const { publicKey, seed } = generateKeyPair()
    const key = openTokenKey('EdDSA', seed)
    expect(key && jwkThumbprint(key.publicJwk)).toBe(thumbprint(publicKey))
  })

  it('does not change the secret and does not need it afterwards', async () => {
    for (const { alg, publicJwk, secret } of PAIRS) {
      const copy = Uint8Array.from(secret)
      const key = openTokenKey(alg, copy)
      expect(copy).toEqual(secret)
      copy.fill(0)
      const signature = (await key?.sign(INPUT)) ?? new Uint8Array()
      expect(importTokenVerifier(alg, publicJwk)?.verify(INPUT, signature)).toBe(true)
    }
  })

  it('signs the same input with the same signature when the algorithm is deterministic', async () => {
    for (const alg of ['EdDSA', 'Ed25519', 'RS256'] as const) {
      const key = openTokenKey(alg, secretOf(alg))
      expect(await key?.sign(INPUT)).toEqual(await key?.sign(INPUT))
    }
  })

  it.each(['EdDSA', 'Ed25519'] as const)('opens a seed under %s', (alg) => {
    expect(openTokenKey(alg, SEED)).toBeDefined()
  })

  it.each<[string, TokenAlgorithm, Uint8Array]>([
    ['nothing', 'EdDSA', new Uint8Array()],
    ['nothing', 'ES256', new Uint8Array()],
    ['31 bytes of a seed', 'EdDSA', SEED.subarray(1)],
    ['33 bytes', 'EdDSA', Buffer.concat([SEED, Buffer.alloc(1)])],
    ['a seed and its public half', 'EdDSA', Buffer.concat([SEED, SEED])],
    ['an Ed25519 key as PKCS#8', 'EdDSA', der(generateKeyPairSync('ed25519'))],
    ['a seed', 'ES256', SEED],
    ['a seed', 'RS256', SEED],
    ['a P-256 key', 'EdDSA', EC],
    ['a P-256 key', 'RS256', EC],
    ['an RSA key', 'Ed25519', RSA],
    ['an RSA key', 'ES256', RSA],
    ['an Ed25519 key as PKCS#8', 'ES256', der(generateKeyPairSync('ed25519'))],
    ['an X25519 key', 'ES256', der(generateKeyPairSync('x25519'))],
    ['a P-384 key', 'ES256', der(ec('P-384'))],
    ['a secp256k1 key', 'ES256', der(ec('secp256k1'))],
    ['a key of 1024 bits', 'RS256', der(rsa(1024))],
    ['a key of 2040 bits', 'RS256', der(rsa(2040))],
    ['an exponent of 3', 'RS256', der(rsa(2048, 3))],
    ['a key for PSS', 'RS256', der(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }))],
    ['a byte after a P-256 key', 'ES256', Buffer.concat([EC, Buffer.alloc(1)])],
    ['a byte after an RSA key', 'RS256', Buffer.concat([RSA, Buffer.alloc(1)])],
    ['a P-256 key without its last byte', 'ES256', EC.subarray(0, -1)],
    ['the public half of another key', 'ES256', Buffer.concat([EC.subarray(0, -64), otherEc.subarray(-64)])],
    ['the private exponent of another key', 'RS256', withOtherPrivateExponent()],
    ['the traditional form of an RSA key', 'RS256', rsa(2048).privateKey.export({ format: 'der', type: 'pkcs1' })],
    ['the traditional form of a P-256 key', 'ES256', ec('P-256').privateKey.export({ format: 'der', type: 'sec1' })],
    ['a public key', 'ES256', ec('P-256').publicKey.export({ format: 'der', type: 'spki' })],
    ['an encrypted key', 'ES256', encrypted()],
    ['PEM', 'ES256', Buffer.from(ec('P-256').privateKey.export({ format: 'pem', type: 'pkcs8' }))],
  ])('refuses %s under %s', (_name, alg, secret) => {
    expect(openTokenKey(alg, secret)).toBeUndefined()
  })
})

describe('exportTokenKey', () => {
  it.each(TOKEN_ALGORITHMS)('exports a key for %s that openTokenKey opens', async (alg) => {
    const { jwk, privateKey } = testTokenKey(alg)
    const pair = exportTokenKey(alg, privateKey)
    expect(pair?.publicJwk).toEqual(jwk)
    expect(openTokenKey(alg, pair?.secret ?? new Uint8Array())?.publicJwk).toEqual(jwk)
  })

  it.each<[string, TokenAlgorithm, KeyObject]>([
    ['an RSA key', 'EdDSA', rsa(2048).privateKey],
    ['a P-256 key', 'Ed25519', ec('P-256').privateKey],
    ['an Ed448 key', 'EdDSA', generateKeyPairSync('ed448').privateKey],
    ['an X25519 key', 'EdDSA', generateKeyPairSync('x25519').privateKey],
    ['an Ed25519 key', 'ES256', generateKeyPairSync('ed25519').privateKey],
    ['an RSA key of 1024 bits', 'RS256', rsa(1024).privateKey],
  ])('refuses %s under %s', (_name, alg, privateKey) => {
    expect(exportTokenKey(alg, privateKey)).toBeUndefined()
  })
})

/** Returns an RSA key whose numbers do not belong together. Node loads it nevertheless. */
function withOtherPrivateExponent(): Uint8Array {
  const [one, two] = [rsa(2048), rsa(2048)].map(({ privateKey }) => privateKey.export({ format: 'jwk' }))
  const mixed = createPrivateKey({ key: { ...two, n: one?.n ?? '' }, format: 'jwk' })
  return der({ privateKey: mixed })
}

function encrypted(): Uint8Array {
  return ec('P-256').privateKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'p' })
}
