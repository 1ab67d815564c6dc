import { hash } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { thumbprint } from '../jose/thumbprint.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import { CLIENT_ASSERTION_TYPE, type ClientAssertionContent, signClientAssertion } from './client-assertion.ts'

const NOW_S = 1_800_000_000
const DID = 'did:agent:a.example:21fe31dfa154a261626bf854046fd227'
const CONTENT: ClientAssertionContent = { did: DID, issuer: 'https://auth.example', nowS: NOW_S + 0.5 }
const { publicKey, privateKey } = generateKeyPair()
const signer = { publicKey, sign: async (message: Uint8Array) => privateKey.sign(message) }
const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
const keys = createLocalJWKSet({ keys: [{ ...jwk, kid: thumbprint(publicKey), alg: 'EdDSA', use: 'sig' }] })

/** Verifies a client assertion with jose, by the rules of RFC 7523 section 3. */
async function verified(content: Partial<ClientAssertionContent> = {}) {
  return jwtVerify(await signClientAssertion(signer, { ...CONTENT, ...content }), keys, {
    typ: CLIENT_ASSERTION_TYPE,
    issuer: DID,
    subject: DID,
    audience: 'https://auth.example',
    currentDate: new Date(NOW_S * 1_000),
    requiredClaims: ['jti', 'exp'],
  })
}

describe('signClientAssertion', () => {
  it('signs a client assertion of RFC 7523, whose aud is the issuer alone', async () => {
    const { payload, protectedHeader } = await verified()
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'client-authentication+jwt', kid: thumbprint(publicKey) })
    expect(payload).toEqual({
      iss: DID,
      sub: DID,
      aud: 'https://auth.example',
      iat: NOW_S - 30,
      exp: NOW_S + 60,
      jti: expect.stringMatching(/^[\w-]{22}$/),
    })
  })

  it('contains scope and resource if the caller gives them', async () => {
    const { payload } = await verified({ scope: 'read write', resource: ['https://api.example'] })
    expect(payload).toMatchObject({ scope: 'read write', resource: ['https://api.example'] })
  })

  it('contains the digests of authorizationDetails and subjectToken if the caller gives them', async () => {
    const { payload } = await verified({ authorizationDetails: '[]', subjectToken: 'a~b' })
    const [details, subject_token] = ['[]', 'a~b'].map((text) => hash('sha256', text, 'base64url'))
    expect(payload).toMatchObject({ details, subject_token })
  })

  it('uses a new jti each time', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => verified()))
    expect(new Set(all.map(({ payload }) => payload.jti)).size).toBe(20)
  })

  it('rejects a lifetime of 0, with a fraction, or of more than 270 seconds', async () => {
    expect((await verified({ lifetimeS: 270 })).payload.exp).toBe(NOW_S + 270)
    for (const lifetimeS of [0, 1.5, 271]) {
      await expect(verified({ lifetimeS })).rejects.toThrow(new RangeError('lifetimeS must be 1 to 270 whole seconds'))
    }
  })

  it('rejects if the key or signature of the signer has the wrong length', async () => {
    const short = { ...signer, publicKey: publicKey.subarray(1) }
    await expect(signClientAssertion(short, CONTENT)).rejects.toThrow('An Ed25519 public key must have 32 bytes')
    const wrong = { ...signer, sign: async () => new Uint8Array(65) }
    await expect(signClientAssertion(wrong, CONTENT)).rejects.toThrow('A signature must have 64 bytes')
  })
})
