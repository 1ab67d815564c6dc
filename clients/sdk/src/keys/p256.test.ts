import { createPublicKey, verify } from 'node:crypto'
import { signerJwk } from '@auth4agent/core/jose/signer-jwk'
import { describe, expect, it } from 'vitest'
import type { P256Signer } from '../signer.ts'
import { generateP256KeyPair, signerFromP256KeyPair } from './p256.ts'
import { generateWebCryptoKey, signerFromCallback } from './signers.ts'

const MESSAGE = new TextEncoder().encode('message')

function holds(signer: P256Signer, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: signerJwk(signer), format: 'jwk' })
  return verify('sha256', MESSAGE, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

describe('signerFromP256KeyPair', () => {
  it('signs with a key pair that cannot be exported', async () => {
    const pair = await generateP256KeyPair()
    expect(pair.privateKey.extractable).toBe(false)
    const signer = await signerFromP256KeyPair(pair)
    expect(signer).toMatchObject({ alg: 'ES256', publicKey: { length: 65 } })
    expect(holds(signer, await signer.sign(MESSAGE))).toBe(true)
  })

  it('rejects a key pair of another kind, and one that cannot sign', async () => {
    const pair = await generateP256KeyPair()
    const other = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign', 'verify'])
    const wrong = [await generateWebCryptoKey(), other, { ...pair, privateKey: pair.publicKey }]
    for (const each of wrong) await expect(signerFromP256KeyPair(each)).rejects.toThrow(TypeError)
  })

  it('rejects with WRONG_KEY if the halves do not belong together', async () => {
    const [one, two] = [await generateP256KeyPair(), await generateP256KeyPair()]
    const mixed = await signerFromP256KeyPair({ publicKey: one.publicKey, privateKey: two.privateKey })
    await expect(mixed.sign(MESSAGE)).rejects.toMatchObject({ reason: 'WRONG_KEY' })
  })
})

describe('signerFromCallback with a P-256 key', () => {
  it('signs with a function that returns R || S, and keeps the alg', async () => {
    const inner = await signerFromP256KeyPair(await generateP256KeyPair())
    const signer = signerFromCallback({ alg: 'ES256', publicKey: inner.publicKey, sign: (text) => inner.sign(text) })
    expect(signer.alg).toBe('ES256')
    expect(holds(signer, await signer.sign(MESSAGE))).toBe(true)
  })

  it.each([
    ['a DER signature', new Uint8Array(70)],
    ['a signature that does not fit', new Uint8Array(64)],
  ])('rejects %s with WRONG_KEY', async (_name, signature) => {
    const { publicKey } = await signerFromP256KeyPair(await generateP256KeyPair())
    const signer = signerFromCallback({ alg: 'ES256', publicKey, sign: async () => signature })
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ reason: 'WRONG_KEY' })
  })

  it('rejects every signature with WRONG_KEY for a public key that is not on the curve', async () => {
    const publicKey = new Uint8Array(65).fill(1).with(0, 4)
    const signer = signerFromCallback({ alg: 'ES256', publicKey, sign: async () => new Uint8Array(64) })
    await expect(signer.sign(MESSAGE)).rejects.toMatchObject({ reason: 'WRONG_KEY' })
  })

  it('throws TypeError unless the public key has 65 bytes', () => {
    const wrong: P256Signer = { alg: 'ES256', publicKey: new Uint8Array(32), sign: async () => new Uint8Array(64) }
    expect(() => signerFromCallback(wrong)).toThrow(TypeError)
  })
})
