import { createPublicKey, sign as cryptoSign, verify as cryptoVerify, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { generateP256KeyPair, signerFromP256KeyPair } from './p256.ts'
import { chooseEd25519, nobleEd25519, webCryptoEd25519 } from './platform.ts'
import {
  generateKey,
  generateWebCryptoKey,
  type KeyLike,
  signerFromCallback,
  signerFromKeyPair,
  signerFromSeed,
  toSigner,
} from './signers.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
/** RFC 8032 section 7.1, test 3. */
const RFC = {
  seed: bytes('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'),
  publicKey: bytes('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'),
  message: bytes('af82'),
  signature: bytes(
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ),
}
const MESSAGE = new TextEncoder().encode('message')

function holds(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url')
  return cryptoVerify(
    null,
    message,
    createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
    signature,
  )
}

describe.each([
  ['WebCrypto', webCryptoEd25519(crypto.subtle)],
  ['noble', nobleEd25519],
])('Ed25519 by %s', (_by, ed25519) => {
  it('gives the key and signature of RFC 8032 section 7.1, test 3', async () => {
    const signer = await ed25519.importSeed(RFC.seed)
    expect(signer.publicKey).toEqual(RFC.publicKey)
    expect(await signer.sign(RFC.message)).toEqual(RFC.signature)
    expect(await ed25519.verify(RFC.publicKey, RFC.message, RFC.signature)).toBe(true)
  })

  it.each([
    ['another message', RFC.publicKey, MESSAGE, RFC.signature],
    ['a signature that is too short', RFC.publicKey, RFC.message, RFC.signature.subarray(1)],
    ['a changed signature', RFC.publicKey, RFC.message, RFC.signature.with(0, 0)],
    ['a signature by the identity point', new Uint8Array(32).with(0, 1), RFC.message, new Uint8Array(64).with(0, 1)],
  ])('does not verify %s', async (_name, publicKey, message, signature) => {
    expect(await ed25519.verify(publicKey, message, signature)).toBe(false)
  })
})

describe('chooseEd25519', () => {
  it('chooses WebCrypto if it has Ed25519, otherwise noble', async () => {
    expect(await chooseEd25519(crypto.subtle)).not.toBe(nobleEd25519)
    const lacking = new Proxy(crypto.subtle, {
      get: (_subtle, name) => () => Promise.reject(new DOMException(String(name), 'NotSupportedError')),
    })
    expect(await chooseEd25519(lacking)).toBe(nobleEd25519)
  })
})

describe('signers', () => {
  it('signerFromSeed returns the seed from exportSeed and does not show it in JSON', async () => {
    const signer = await signerFromSeed(RFC.seed)
    expect(signer.exportSeed()).toEqual(RFC.seed)
    expect(JSON.stringify(signer)).not.toContain(String(RFC.seed[0]) + ',' + String(RFC.seed[1]))
    signer.exportSeed().fill(0)
    expect(signer.exportSeed()).toEqual(RFC.seed)
  })

  it.each([0, 31, 33, 64])('signerFromSeed rejects a seed of %i bytes', async (length) => {
    await expect(signerFromSeed(new Uint8Array(length))).rejects.toThrow(TypeError)
  })

  it('generateKey makes a different key each time, which signs', async () => {
    const [one, two] = [await generateKey(), await generateKey()]
    expect(one.publicKey).not.toEqual(two.publicKey)
    expect(holds(one.publicKey, MESSAGE, await one.sign(MESSAGE))).toBe(true)
  })

  it('signerFromKeyPair signs with a key pair that cannot be exported', async () => {
    const pair = await generateWebCryptoKey()
    expect(pair.privateKey.extractable).toBe(false)
    const signer = await signerFromKeyPair(pair)
    expect(holds(signer.publicKey, MESSAGE, await signer.sign(MESSAGE))).toBe(true)
  })

  it('signerFromKeyPair rejects a key pair that cannot sign, or whose halves do not belong together', async () => {
    const { publicKey, privateKey } = await generateWebCryptoKey()
    const other = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
    await expect(signerFromKeyPair({ publicKey, privateKey: publicKey })).rejects.toThrow(TypeError)
    await expect(signerFromKeyPair({ publicKey, privateKey: other.privateKey })).rejects.toThrow(TypeError)
    const another = await generateWebCryptoKey()
    const mixed = await signerFromKeyPair({ publicKey: another.publicKey, privateKey })
    await expect(mixed.sign(MESSAGE)).rejects.toMatchObject({ reason: 'WRONG_KEY' })
  })

  it('toSigner accepts a P-256 key pair and a P-256 signer', async () => {
    const pair = await generateP256KeyPair()
    const signer = await toSigner(pair)
    expect(signer).toMatchObject({ alg: 'ES256', publicKey: (await signerFromP256KeyPair(pair)).publicKey })
    expect(await toSigner(signer)).toBe(signer)
  })

  it('toSigner rejects a signer of another algorithm', async () => {
    const key: unknown = { ...(await generateKey()), alg: 'RS256' }
    await expect(toSigner(key as KeyLike)).rejects.toThrow(new TypeError('alg must be EdDSA or ES256'))
  })

  it('toSigner accepts a seed, a WebCrypto key pair and a signer', async () => {
    const pair = await generateWebCryptoKey()
    for (const key of [RFC.seed, pair, await generateKey()]) {
      const signer = await toSigner(key)
      expect(holds(signer.publicKey, MESSAGE, await signer.sign(MESSAGE))).toBe(true)
    }
  })
})

describe('signerFromCallback', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const sign = async (message: Uint8Array) => cryptoSign(null, message, privateKey)

  it('checks signatures until the first correct one', async () => {
    let isWrong = true
    const signer = signerFromCallback({
      publicKey: raw,
      sign: async (message) => (isWrong ? new Uint8Array(64) : sign(message)),
    })
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ reason: 'WRONG_KEY' })
    isWrong = false
    expect(holds(raw, MESSAGE, await signer.sign(MESSAGE))).toBe(true)
    isWrong = true
    expect(await signer.sign(MESSAGE)).toEqual(new Uint8Array(64))
  })

  it.each([
    ['another key', async (message: Uint8Array) => (await generateKey()).sign(message)],
    [
      'a hash of the message',
      async (message: Uint8Array) =>
        sign(new Uint8Array(await crypto.subtle.digest('SHA-512', Uint8Array.from(message)))),
    ],
    ['a DER signature', async () => new Uint8Array(70)],
    ['nothing', async () => new Uint8Array()],
  ])('rejects with WRONG_KEY when the function signs with %s', async (_name, wrong) => {
    const signer = signerFromCallback({ publicKey: raw, sign: wrong })
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ reason: 'WRONG_KEY' })
  })

  it('throws TypeError unless the public key has 32 bytes', () => {
    expect(() => signerFromCallback({ publicKey: new Uint8Array(44), sign })).toThrow(TypeError)
  })

  it('rejects with the error of the function', async () => {
    const signer = signerFromCallback({ publicKey: raw, sign: () => Promise.reject(new Error('no such key')) })
    await expect(signer.sign(MESSAGE)).rejects.toThrow('no such key')
  })
})
