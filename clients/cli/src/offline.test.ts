import { type DpopContent, signDpopProof } from '@auth4agent/core/dpop/sign-dpop-proof'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import type { Requirements } from '@auth4agent/core/token/check-requirements'
import { generateKey, type Signer } from '@auth4agent/sdk'
import { describe, expect, it } from 'vitest'
import { accessToken, accessTokenOf, GOOD_CLAIMS, knownKey, knownKeyOf } from '../../../test/support/access-tokens.ts'
import { ISSUER, NOW_S } from '../../../test/support/assertions.ts'
import { type OfflineRules, verifyOffline } from './offline.ts'

const { pair, entry } = knownKey()
const published = { ...entry.jwk, kid: entry.kid, alg: entry.alg, use: 'sig' }
const wanted: Requirements = { audience: [], scope: [], operators: [] }
const good: OfflineRules = { issuer: ISSUER, jwks: { keys: [published] }, nowS: NOW_S + 1, wanted }
const token = accessToken(pair)
const [holder, stranger] = [await generateKey(), await generateKey()]
const bound = accessToken(pair, {}, { cnf: { jkt: thumbprint(holder.publicKey) } })
const verdictOf = async (text: string, rules: Partial<OfflineRules> = {}) =>
  (await verifyOffline(text, { ...good, ...rules })).verdict ?? 'valid'

describe('verifyOffline', () => {
  it('accepts a genuine token and returns its claims', async () => {
    expect(await verifyOffline(token, good)).toEqual({ claims: GOOD_CLAIMS, verdict: undefined })
  })

  it.each(TOKEN_ALGORITHMS)('accepts tokens of %s', async (alg) => {
    const known = knownKeyOf(alg)
    const keys = [published, { ...known.entry.jwk, kid: known.entry.kid, alg, use: 'sig' }]
    expect(await verdictOf(accessTokenOf(known.key), { jwks: { keys } })).toBe('valid')
  })

  it.each([
    ['MALFORMED_TOKEN', `${token} `, {}],
    ['MALFORMED_TOKEN', accessToken(pair, { typ: 'JWT' }), {}],
    ['DELEGATION_NOT_ACCEPTED', accessToken(pair, {}, { act: { sub: 'x' } }), {}],
    ['UNSUPPORTED_ALGORITHM', accessToken(pair, { alg: 'none' }), {}],
    ['UNSUPPORTED_ALGORITHM', accessToken(pair, { alg: 'Ed25519' }), {}],
    ['SIGNATURE_INVALID', accessToken(knownKey().pair, { kid: entry.kid }), {}],
    ['UNKNOWN_KEY', accessToken(knownKey().pair), {}],
    ['WRONG_ISSUER', token, { issuer: `${ISSUER}/` }],
    ['TOKEN_EXPIRED', token, { nowS: NOW_S + 910 }],
    ['valid', token, { nowS: NOW_S + 909 }],
    ['TOKEN_NOT_YET_VALID', token, { nowS: NOW_S - 11 }],
    ['AUDIENCE_MISMATCH', token, { wanted: { ...wanted, audience: ['https://c.example'] } }],
    ['SCOPE_MISSING', token, { wanted: { ...wanted, scope: ['read', 'admin'] } }],
    ['OPERATOR_NOT_TRUSTED', token, { wanted: { ...wanted, operators: ['b.example'] } }],
    ['valid', token, { wanted: { audience: ['https://b.example'], scope: ['write'], operators: ['a.example'] } }],
  ] as const)('returns the verdict %s (%#)', async (verdict, text, rules) => {
    expect(await verdictOf(text, rules)).toBe(verdict)
  })

  it.each<[string, string, Partial<DpopContent & { signer: Signer }> | undefined]>([
    ['PROOF_REQUIRED', bound, undefined],
    ['valid', bound, {}],
    ['TOKEN_NOT_BOUND', token, { accessToken: token }],
    ['PROOF_INVALID', bound, { accessToken: token }],
    ['PROOF_INVALID', bound, { method: 'POST' }],
    ['PROOF_INVALID', bound, { url: 'https://b.example/other' }],
    ['PROOF_INVALID', bound, { nowS: NOW_S - 120 }],
    ['PROOF_INVALID', bound, { signer: stranger }],
  ])('returns the verdict %s for a token and a proof (%#)', async (verdict, text, edits) => {
    const { signer = holder, ...changed } = edits ?? {}
    const request = { method: 'GET', url: 'https://b.example/orders?page=1' }
    const proof = await signDpopProof(signer, { ...request, nowS: NOW_S, accessToken: bound, ...changed })
    expect(await verdictOf(text, edits && { proof: { ...request, text: proof } })).toBe(verdict)
  })

  it('says what is wrong with a proof, also if it is no proof', async () => {
    const proof = { text: 'x', method: 'GET', url: 'https://b.example/' }
    expect(await verifyOffline(bound, { ...good, proof })).toMatchObject({
      verdict: 'PROOF_INVALID',
      demand: expect.stringContaining('three parts'),
    })
  })

  it('reports a wrong audience before a wrong proof', async () => {
    expect(await verdictOf(bound, { wanted: { ...wanted, audience: ['https://c.example'] } })).toBe('AUDIENCE_MISMATCH')
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', [published]],
    ['no keys', {}],
    ['keys that are not a list', { keys: published }],
    ['keys that are texts', { keys: ['x', null, 1] }],
    [
      'a key under the kid of another',
      { keys: [{ ...knownKey().entry.jwk, kid: entry.kid, alg: 'EdDSA', use: 'sig' }] },
    ],
    ['a key for encryption', { keys: [{ ...published, use: 'enc' }] }],
    ['a key without use', { keys: [{ ...published, use: undefined }] }],
    ['a key of an unknown algorithm', { keys: [{ ...published, alg: 'HS256' }] }],
    ['a key with a private half', { keys: [{ ...published, d: 'AA' }] }],
    ['a symmetric key', { keys: [{ kty: 'oct', k: 'AA', kid: entry.kid, alg: 'EdDSA', use: 'sig' }] }],
  ])('returns UNKNOWN_KEY if the JWKS is %s', async (_name, jwks) => {
    expect(await verdictOf(token, { jwks })).toBe('UNKNOWN_KEY')
  })
})
