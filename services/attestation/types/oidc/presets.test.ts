import { describe, expect, it } from 'vitest'
import { AUDIENCE, CONTEXT, idToken, issuerKey, NOW } from '../../../../test/support/id-tokens.ts'
import { createOidcTypes } from './create-oidc.ts'
import { CLAIM_SETS, type ClaimSet } from './recorded/claim-sets.ts'

const types = createOidcTypes({
  outbound: { get: () => Promise.reject(new Error('Pinned keys must not be fetched')) },
  now: () => 0,
})
const key = await issuerKey('RS256')
const NOW_S = NOW / 1000
const LIFETIMES_S = { kubernetes: 3600, 'github-actions': 300, gitlab: 3600, gcp: 3600, azure: 86_700 }

/** Appraises a token with the claims of a set. */
async function appraise({ preset, config, payload }: ClaimSet, change: object = {}, configChange: object = {}) {
  const type = types[preset]
  const parsed = type.parseConfig({ jwks: { keys: [key.jwk] }, ...config, ...configChange })
  const iat = NOW_S - 30
  const times = { iat, exp: iat + LIFETIMES_S[preset] }
  const aud = parsed.audience ?? AUDIENCE
  return type.appraise(parsed, await idToken(key, { ...payload, aud, ...times, ...change }), CONTEXT)
}

function setOf(name: string): ClaimSet {
  const found = CLAIM_SETS.find((set) => set.name === name)
  if (found === undefined) throw new Error(`There is no claim set ${name}`)
  return found
}
const pod = setOf('a pod of a cluster')
const vm = setOf('a virtual machine, in the format full')
const identity = setOf('the managed identity of a virtual machine')

describe('the presets', () => {
  it.each(CLAIM_SETS)('$preset exposes the claims of $name', async (set) => {
    const { claims, level } = await appraise(set)
    expect(claims).toEqual(set.verified)
    expect(level).toBe(set.preset === 'azure' ? 'bearer' : 'bound')
  })

  it('kubernetes accepts the fixed audience of a projected token, as a bearer token', async () => {
    const answer = await appraise(pod, { aud: ['auth4agent'] }, { audience: 'auth4agent' })
    expect(answer).toMatchObject({ level: 'bearer', uses: [{ id: expect.stringMatching(/^https:.* jti:/) }] })
  })

  it('azure accepts a token that Azure has kept for a day', async () => {
    expect(await appraise(identity, { iat: NOW_S - 86_000, exp: NOW_S + 700 })).toMatchObject({ level: 'bearer' })
  })

  it('meets a required claim of the mapping', async () => {
    expect(await appraise(pod, {}, { required_claims: { namespace: 'agents' } })).toMatchObject({ level: 'bound' })
    await expect(appraise(pod, {}, { required_claims: { namespace: 'other' } })).rejects.toThrow(/claim namespace/)
  })

  it.each<[name: string, set: ClaimSet, change: object, message: RegExp]>([
    ['no kubernetes.io', pod, { 'kubernetes.io': undefined }, /must be that of a service account/],
    [
      'a sub of another service account',
      pod,
      { sub: 'system:serviceaccount:agents:admin' },
      /must be that of a service/,
    ],
    ['a sub of a user', pod, { sub: 'robin' }, /must be that of a service account/],
    [
      'a namespace that is no text',
      pod,
      { 'kubernetes.io': { namespace: ['agents'], serviceaccount: { name: 'reader' } } },
      /must be that of a service account/,
    ],
    ['a lifetime of a year, as those for the API server', pod, { exp: NOW_S + 365 * 86_400 }, /must not live longer/],
    ['an email that is not verified', vm, { email_verified: false }, /email that is not verified/],
    ['an email without email_verified', vm, { email_verified: undefined }, /email that is not verified/],
    ['an email that is verified in words', vm, { email_verified: 'true' }, /email that is not verified/],
    ['the old issuer of Google', vm, { iss: 'accounts.google.com' }, /iss of the token must be/],
    [
      'the tid of another tenant',
      identity,
      { tid: '22222222-2222-4333-8444-555555555555' },
      /tenant of its issuer as tid/,
    ],
    ['no tid', identity, { tid: undefined }, /tenant of its issuer as tid/],
    ['the issuer of version 2', identity, { iss: 'https://login.microsoftonline.com/x/v2.0' }, /iss of the token/],
  ])('refuse a token with %s', async (_, set, change, message) => {
    await expect(appraise(set, change)).rejects.toThrow(message)
  })
})
