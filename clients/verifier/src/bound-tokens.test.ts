import { describe, expect, it } from 'vitest'
import { type BoundClient, boundClient, presented } from '../../../test/clients/verifier/proofs.ts'
import { fakeIssuer, newToken, outcomeOf } from '../../../test/support/offline-verifier.ts'
import type { VerifierOptions } from './verifier-options.ts'

const URL_NOW = 'https://b.example/orders'
const NOW_S = Math.floor(Date.now() / 1_000)

function setUp(options: Partial<VerifierOptions> = {}) {
  const issuer = fakeIssuer()
  const client = boundClient(issuer.key)
  const verifier = issuer.newVerifier(options)
  const token = client.newToken()
  return { issuer, client, verifier, token }
}

describe('Verifier.verify refuses', () => {
  it.each<[string, object, string]>([
    ['without a proof', {}, 'PROOF_REQUIRED'],
    ["with dpop: 'required' instead of a proof", { dpop: 'required' }, 'PROOF_REQUIRED'],
  ])('a bound token %s', async (_name, wanted, outcome) => {
    const { verifier, token } = setUp()
    for (let time = 0; time < 2; time += 1) expect(await outcomeOf(verifier, token, wanted)).toBe(outcome)
  })

  it.each<[string, (client: BoundClient, token: string) => object | undefined, Partial<VerifierOptions>]>([
    ['a proof comes', presented, {}],
    ['a malformed proof comes', () => ({ proof: 'x', method: 'GET', url: URL_NOW }), {}],
    ["the call has dpop: 'required'", () => 'required' as never, {}],
    ["the verifier has dpop: 'required'", () => undefined, { dpop: 'required' }],
  ])('an unbound token if %s', async (_name, dpopOf, options) => {
    const { issuer, client, verifier } = setUp(options)
    const token = newToken(issuer.key)
    const dpop = dpopOf(client, token)
    for (let time = 0; time < 2; time += 1) {
      expect(await outcomeOf(verifier, token, dpop === undefined ? {} : { dpop })).toBe('TOKEN_NOT_BOUND')
    }
  })

  it.each<[string, object, object, RegExp]>([
    ['for another method', { htm: 'POST' }, {}, /htm must be GET$/],
    ['for the method in lower case', { htm: 'get' }, {}, /htm must be GET$/],
    ['for another path', { htu: 'https://b.example/other' }, {}, /htu must be https:\/\/b\.example\/orders$/],
    ['for another host', { htu: 'https://c.example/orders' }, {}, /htu must be/],
    ['for another scheme', { htu: 'http://b.example/orders' }, {}, /htu must be/],
    ['for a path without host', { htu: '/orders' }, {}, /htu must be/],
    ['for another token', { ath: 'x'.repeat(43) }, {}, /ath must be/],
    ['without ath', { ath: undefined }, {}, /ath must be/],
    ['from 75 seconds ago', { iat: NOW_S - 75 }, {}, /iat must be/],
    ['from the future', { iat: NOW_S + 60 }, {}, /iat must be/],
    ['without jti', { jti: undefined }, {}, /jti must/],
    ['with another typ', {}, { typ: 'jwt' }, /typ/],
    ['without typ', {}, { typ: undefined }, /typ/],
    ['with alg none', {}, { alg: 'none' }, /alg/],
    ['without jwk', {}, { jwk: undefined }, /jwk/],
    ['of another key', {}, { jwk: boundClient(fakeIssuer().key).key.jwk }, /signature must be valid/],
  ])('a proof %s', async (_name, claims, header, message) => {
    const { client, verifier, token } = setUp()
    const dpop = presented(client, token, claims, header)
    await expect(verifier.verify(token, { dpop })).rejects.toMatchObject({
      reason: 'PROOF_INVALID',
      isTemporary: false,
      message: expect.stringMatching(message),
    })
  })

  it('a valid proof of another key than the key that the token is bound to', async () => {
    const { issuer, verifier, token } = setUp()
    const dpop = presented(boundClient(issuer.key), token)
    await expect(verifier.verify(token, { dpop })).rejects.toThrow(
      'The DPoP proof is not valid for this request and token: its key must be the key that the token is bound to',
    )
  })

  it.each<[string, object, string]>([
    ['the public URL is not known', { url: undefined }, 'PUBLIC_URL_UNKNOWN'],
    ['the request has no URL', { url: '' }, 'PROOF_INVALID'],
    ['the URL is a path', { url: '/orders' }, 'PROOF_INVALID'],
    ['the proof is undefined', { proof: undefined }, 'PROOF_INVALID'],
    ['the proof is a list', { proof: ['x'] }, 'PROOF_INVALID'],
    ['the proof is empty', { proof: '' }, 'PROOF_INVALID'],
  ])('a bound token if %s', async (_name, changed, outcome) => {
    const { client, verifier, token } = setUp()
    expect(await outcomeOf(verifier, token, { dpop: { ...presented(client, token), ...changed } })).toBe(outcome)
  })

  it('a proof that was used before, also with a remembered token', async () => {
    const { client, verifier, token } = setUp()
    const dpop = presented(client, token)
    expect(await outcomeOf(verifier, token, { dpop })).toBe('VALID')
    for (let time = 0; time < 2; time += 1) expect(await outcomeOf(verifier, token, { dpop })).toBe('PROOF_REPLAYED')
    expect(await outcomeOf(verifier, token, { dpop: presented(client, token) })).toBe('VALID')
    expect(await outcomeOf(verifier, token)).toBe('PROOF_REQUIRED')
    expect(verifier.metrics()).toMatchObject({
      verifications: { VALID: 2, PROOF_REPLAYED: 2, PROOF_REQUIRED: 1 },
      rememberedProofs: 2,
    })
  })

  it.each<[string, object]>([
    ['undefined', { dpop: undefined }],
    ['an empty text', { dpop: '' }],
    ['null', { dpop: null }],
    ['true', { dpop: true }],
    ['a proof without request', { dpop: { proof: 'x' } }],
    ['a proof without URL', { dpop: { proof: 'x', method: 'GET' } }],
    ['a request without proof', { dpop: { method: 'GET', url: URL_NOW } }],
    ['a method that is not a text', { dpop: { proof: 'x', method: undefined, url: URL_NOW } }],
    ['an unknown member', { dpop: { proof: 'x', method: 'GET', url: URL_NOW, htu: URL_NOW } }],
  ])('the option dpop with TypeError if it is %s', async (_name, wanted) => {
    const { verifier, token } = setUp()
    await expect(outcomeOf(verifier, token, wanted)).rejects.toThrow(TypeError)
  })
})

describe('Verifier.verify accepts', () => {
  it.each(['EdDSA', 'Ed25519', 'ES256'] as const)('a bound token with a new %s proof for each request', async (alg) => {
    const issuer = fakeIssuer()
    const client = boundClient(issuer.key, alg)
    const verifier = issuer.newVerifier({ dpop: 'required' })
    const token = client.newToken()
    for (let time = 0; time < 3; time += 1) {
      const claims = await verifier.verify(token, { dpop: presented(client, token) })
      expect(claims.cnf).toEqual({ jkt: client.key.kid })
      expect(Object.isFrozen(claims.cnf)).toBe(true)
    }
  })

  it.each([
    ['https://b.example/orders?page=2#top', 'https://b.example/orders'],
    ['https://b.example/orders', 'HTTPS://B.EXAMPLE:443/orders?page=2'],
    ['https://b.example/%7Eorders', 'https://b.example/~orders'],
    ['https://b.example', 'https://b.example/'],
  ])('a proof for %s with the htu %s', async (url, htu) => {
    const { client, verifier, token } = setUp()
    expect(await outcomeOf(verifier, token, { dpop: { ...presented(client, token, { htu }), url } })).toBe('VALID')
  })
})
