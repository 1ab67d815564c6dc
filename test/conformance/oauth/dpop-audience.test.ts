import { beforeAll, describe, expect, it } from 'vitest'
import { useWorld } from '../../contract/support/run-cases.ts'
import { testTokenKey } from '../../support/token-keys.ts'
import { dpopProof, expectError, expectIssued, type OAuthAnswer, post, tokenForm } from './support/client.ts'
import { setAudiences } from './support/policy.ts'

const world = useWorld()
const key = testTokenKey('EdDSA')
const BOUND = 'https://bound.acme-operator.com'
const NONCE = 'https://nonce.acme-operator.com'
const FREE = 'https://free.acme-operator.com'
/** What a nonce may contain (RFC 9449 section 8.1). */
const NQCHARS = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Makes two audiences demand DPoP, one of them with a nonce. */
beforeAll(() =>
  setAudiences(world(), 'acme', [
    { audience: BOUND, dpop: 'required' },
    { audience: NONCE, dpop: 'required-with-nonce' },
    { audience: FREE },
  ]),
)

const request = (resource: string | readonly string[], dpop?: string) =>
  post(world().server.baseUrl, '/oauth/token', tokenForm(world().agents.active, { resource }), {
    ...(dpop !== undefined && { dpop }),
  })

function nonceOf({ headers }: OAuthAnswer): string {
  expect(headers['dpop-nonce']).toMatch(NQCHARS)
  return String(headers['dpop-nonce'])
}

describe('a bearer token for a DPoP audience is refused', () => {
  it.each([
    ['the audience alone', BOUND],
    ['the audience beside another', [FREE, BOUND]],
  ])('%s', async (_, resource) => {
    expectError(await request(resource), 'invalid_dpop_proof', 'DPOP_PROOF_REQUIRED')
  })

  it('but a bound token for it and a bearer token for another audience are issued', async () => {
    expect(expectIssued(await request(BOUND, dpopProof(key)))['token_type']).toBe('DPoP')
    expect(expectIssued(await request(FREE))['token_type']).toBe('Bearer')
  })
})

describe('an audience that demands a nonce', () => {
  it('answers use_dpop_nonce to a proof without nonce, with a nonce in exactly one header', async () => {
    const answer = await request(NONCE, dpopProof(key))
    expectError(answer, 'use_dpop_nonce', 'DPOP_NONCE_REQUIRED')
    // node:http joins several headers of this name with a comma, which no nonce may contain before a blank.
    expect(nonceOf(answer)).not.toContain(', ')
  })

  it('accepts a proof with this nonce, also several times with different proofs', async () => {
    const nonce = nonceOf(await request(NONCE, dpopProof(key)))
    for (let count = 0; count < 2; count += 1) {
      expect(expectIssued(await request(NONCE, dpopProof(key, { claims: { nonce } })))['token_type']).toBe('DPoP')
    }
  })

  it.each<[string, (nonce: string) => unknown]>([
    ['a nonce with one more character', (nonce) => `${nonce}A`],
    ['a nonce with another last character', (nonce) => nonce.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))],
    ['a nonce with another first character', (nonce) => nonce.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))],
    ['a nonce that the server never gave', () => 'eyJ7S_zG.eyJH0-Z.HX4w-7v'],
    ['an empty nonce', () => ''],
    ['no nonce, although the server gave one before', () => undefined],
  ])('refuses a proof with %s', async (_, change) => {
    const nonce = change(nonceOf(await request(NONCE, dpopProof(key))))
    const answer = await request(NONCE, dpopProof(key, { claims: { nonce } }))
    expectError(answer, 'use_dpop_nonce', 'DPOP_NONCE_REQUIRED')
    nonceOf(answer)
  })

  it('refuses a replayed proof with a good nonce', async () => {
    const nonce = nonceOf(await request(NONCE, dpopProof(key)))
    const proof = dpopProof(key, { claims: { nonce } })
    expectIssued(await request(NONCE, proof))
    expectError(await request(NONCE, proof), 'invalid_dpop_proof', 'DPOP_PROOF_USED')
  })

  it('refuses a request without a proof', async () => {
    const { status, body } = await request(NONCE)
    expect({ status, error: body['error'] }).toEqual({ status: 400, error: expect.stringMatching(/dpop/) })
  })
})
