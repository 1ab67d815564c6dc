import { createHash, webcrypto } from 'node:crypto'
import {
  calculateJwkThumbprint,
  EmbeddedJWK,
  exportJWK,
  generateKeyPair as generateJoseKeys,
  jwtVerify,
  SignJWT,
} from 'jose'
import { describe, expect, it } from 'vitest'
import { NOW_S } from '../../../../test/support/assertions.ts'
import { DPOP_RULES } from '../../../../test/support/dpop-proofs.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import { checkDpopProof, type DpopRules } from './dpop-proof.ts'
import { type DpopContent, signDpopProof } from './sign-dpop-proof.ts'

const { publicKey, privateKey } = generateKeyPair()
const signer = { publicKey, sign: async (message: Uint8Array) => privateKey.sign(message) }
const TOKEN = 'header.payload.signature'
const CONTENT: DpopContent = { method: 'GET', url: DPOP_RULES.url, nowS: NOW_S + 0.9, accessToken: TOKEN }
const RULES: DpopRules = { ...DPOP_RULES, accessToken: TOKEN }
const sign = (content: Partial<DpopContent> = {}) => signDpopProof(signer, { ...CONTENT, ...content })

describe('signDpopProof', () => {
  it('signs a proof that checkDpopProof accepts, with the thumbprint of the signer', async () => {
    const proof = checkDpopProof(await sign({ nonce: 'nonce-1' }), RULES)
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
    const jkt = await calculateJwkThumbprint(jwk)
    expect(proof).toMatchObject({ ok: true, jkt, expiresAtS: NOW_S + 80, nonce: 'nonce-1' })
  })

  it('signs a proof that jose accepts', async () => {
    const { payload, protectedHeader } = await jwtVerify(await sign(), EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['EdDSA'],
      maxTokenAge: 60,
      currentDate: new Date(NOW_S * 1_000),
      requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
    })
    expect(Object.keys(protectedHeader)).toEqual(['alg', 'typ', 'jwk'])
    expect(payload).toEqual({
      jti: expect.stringMatching(/^[\w-]{22}$/),
      htm: 'GET',
      htu: 'https://api.example/orders',
      iat: NOW_S,
      ath: createHash('sha256').update(TOKEN).digest('base64url'),
    })
  })

  it('leaves out ath and nonce if the caller gives neither', async () => {
    const text = await sign({ accessToken: undefined })
    const { payload } = await jwtVerify(text, EmbeddedJWK)
    expect(Object.keys(payload)).toEqual(['jti', 'htm', 'htu', 'iat'])
    expect(checkDpopProof(text, DPOP_RULES).ok).toBe(true)
    expect(checkDpopProof(text, RULES).ok).toBe(false)
  })

  it('uses a new jti each time', async () => {
    const proofs = await Promise.all(Array.from({ length: 20 }, () => sign()))
    expect(new Set(proofs.map((text) => checkDpopProof(text, RULES)).map((proof) => proof.ok && proof.id)).size).toBe(
      20,
    )
  })

  it.each(['/orders', 'ftp://api.example/', 'https://agent:secret@api.example/', 'https://api.example/a b'])(
    'rejects for the url "%s"',
    async (url) => {
      await expect(sign({ url })).rejects.toThrow(
        new TypeError('url must be an absolute http or https URL without user name and password'),
      )
    },
  )

  it('rejects if the key or signature of the signer has the wrong length', async () => {
    const short = { ...signer, publicKey: publicKey.subarray(1) }
    const wrong = { ...signer, sign: async () => new Uint8Array(63) }
    await expect(signDpopProof(short, CONTENT)).rejects.toThrow('An Ed25519 public key must have 32 bytes')
    await expect(signDpopProof(wrong, CONTENT)).rejects.toThrow('A signature must have 64 bytes')
  })
})

describe('checkDpopProof', () => {
  it.each(['EdDSA', 'Ed25519', 'ES256'])('accepts proofs that jose makes with %s', async (alg) => {
    const keys = await generateJoseKeys(alg)
    const jwk = await exportJWK(keys.publicKey)
    const jkt = await calculateJwkThumbprint(jwk)
    // With ES256, half of the signatures have the higher S.
    for (let index = 0; index < 12; index += 1) {
      const text = await new SignJWT({ htm: 'GET', htu: 'https://api.example/orders', jti: webcrypto.randomUUID() })
        .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk })
        .setIssuedAt(NOW_S)
        .sign(keys.privateKey)
      expect(checkDpopProof(text, DPOP_RULES)).toMatchObject({ ok: true, jkt })
    }
  })

  it('accepts a jwk as WebCrypto exports it', async () => {
    const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const jwk = await webcrypto.subtle.exportKey('jwk', keys.publicKey)
    expect(Object.keys(jwk)).toEqual(expect.arrayContaining(['key_ops', 'ext']))
    const claims = { htm: 'GET', htu: 'https://api.example/orders', jti: 'proof-1', iat: NOW_S }
    const encoded = [{ alg: 'ES256', typ: 'dpop+jwt', jwk }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
    const signature = await webcrypto.subtle.sign(algorithm, keys.privateKey, Buffer.from(encoded.join('.')))
    const text = [...encoded, Buffer.from(signature).toString('base64url')].join('.')
    expect(checkDpopProof(text, DPOP_RULES).ok).toBe(true)
  })
})
