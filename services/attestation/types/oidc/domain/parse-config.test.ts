import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseConfig } from './parse-config.ts'
import { PRESETS } from './presets.ts'

const issuer = 'https://issuer.example'
const jwk = { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) }
const jwks = { keys: [{ ...jwk, kid: 'a' }] }
const tenant = '11111111-2222-4333-8444-555555555555'
const many = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`)
const refusal = (message: RegExp) =>
  expect.objectContaining({ reason: 'INVALID_ATTESTOR', message: expect.stringMatching(message) })

describe('parseConfig', () => {
  it('fills in the defaults', () => {
    expect(parseConfig({ issuer }, undefined)).toEqual({
      issuer,
      algorithms: ['RS256', 'ES256'],
      pinnedKeys: undefined,
      jwksUri: undefined,
      audience: undefined,
      maxTokenAgeMs: 3_600_000,
      claims: { sub: '/sub' },
      requiredClaims: {},
    })
  })

  it('reads every member', () => {
    const config = {
      issuer: `${issuer}/tenant/`,
      jwks_uri: 'https://keys.example/jwks?a=b',
      algorithms: ['PS256', 'EdDSA'],
      audience: 'any text',
      max_token_age: 60,
      claims: { repository: '/repository', pod: '/kubernetes.io/pod/name', sub: '/sub' },
      required_claims: { repository: 'acme/app', pod: true, sub: 7 },
    }
    expect(parseConfig(config, undefined)).toEqual({
      issuer: config.issuer,
      algorithms: ['EdDSA', 'PS256'],
      pinnedKeys: undefined,
      jwksUri: config.jwks_uri,
      audience: config.audience,
      maxTokenAgeMs: 60_000,
      claims: config.claims,
      requiredClaims: config.required_claims,
    })
    expect(parseConfig({ issuer, jwks }, undefined).pinnedKeys?.get('a')?.algs).toEqual(['ES256'])
  })

  it.each<[name: string, change: object, message: RegExp]>([
    ['an unknown member', { clams: [] }, /^config must not have a member "clams"/],
    ['a member of a preset', { tenant }, /"tenant"/],
    ['no issuer', { issuer: undefined }, /^config.issuer must be an https URL/],
    ['an issuer that is http', { issuer: 'http://issuer.example' }, /^config.issuer must be an https URL/],
    ['an issuer in upper case', { issuer: 'https://Issuer.example' }, /^config.issuer must be/],
    ['an issuer with a query', { issuer: `${issuer}?a=b` }, /^config.issuer must be/],
    ['an issuer with a user', { issuer: 'https://a@issuer.example' }, /^config.issuer must be/],
    ['an issuer of 256 characters', { issuer: `${issuer}/${'a'.repeat(233)}` }, /^config.issuer must be/],
    ['an issuer that is an address, without keys', { issuer: 'https://10.0.0.1' }, /^config.issuer must be a URL from/],
    ['jwks and jwks_uri', { jwks, jwks_uri: `${issuer}/jwks` }, /^config.jwks_uri must be missing if/],
    ['a jwks that is no set', { jwks: [] }, /^config.jwks must be a JWK Set/],
    [
      'a private key',
      { jwks: { keys: [{ ...jwk, kid: 'a', d: 'AA' }] } },
      /^Key 1 of config.jwks must be a public key/,
    ],
    ['a key of another algorithm', { jwks, algorithms: ['RS256'] }, /^Key 1 of config.jwks must be a key of/],
    ['a jwks_uri that is http', { jwks_uri: 'http://issuer.example/jwks' }, /^config.jwks_uri must be .* https$/],
    ['a jwks_uri that is an address', { jwks_uri: 'https://169.254.169.254/jwks' }, /^config.jwks_uri must be/],
    ['a jwks_uri that is IPv6', { jwks_uri: 'https://[::1]/jwks' }, /^config.jwks_uri must be/],
    ['a jwks_uri with a user', { jwks_uri: 'https://a:b@issuer.example/jwks' }, /^config.jwks_uri must be/],
    ['a jwks_uri that is a file', { jwks_uri: 'file:///etc/passwd' }, /^config.jwks_uri must be/],
    ['a jwks_uri that is a number', { jwks_uri: 7 }, /^config.jwks_uri must be a text/],
    ['no algorithm', { algorithms: [] }, /^config.algorithms must be a list/],
    ['the algorithm none', { algorithms: ['none'] }, /^config.algorithms must/],
    ['the algorithm HS256', { algorithms: ['RS256', 'HS256'] }, /^config.algorithms must/],
    ['an algorithm twice', { algorithms: ['RS256', 'RS256'] }, /^config.algorithms must/],
    ['algorithms that are a text', { algorithms: 'RS256' }, /^config.algorithms must/],
    ['an empty audience', { audience: '' }, /^config.audience must be a text/],
    ['an audience of 1,025 characters', { audience: 'a'.repeat(1025) }, /^config.audience must be/],
    ['two audiences', { audience: ['a', 'b'] }, /^config.audience must be/],
    ['a max_token_age of 0', { max_token_age: 0 }, /^config.max_token_age must be .* between 1 and 90000$/],
    ['a max_token_age over 25 hours', { max_token_age: 90_001 }, /^config.max_token_age must/],
    ['a max_token_age that is not whole', { max_token_age: 60.5 }, /^config.max_token_age must/],
    ['a max_token_age that is a text', { max_token_age: '60' }, /^config.max_token_age must/],
    ['no claims in the list', { claims: [] }, /^config.claims must be a list of names, or/],
    ['64 claims', { claims: many(64) }, /^config.claims must be .* 1 to 63 claims/],
    ['claims that are a text', { claims: 'repository' }, /^config.claims must be a list/],
    ['a claim whose name is no identifier', { claims: ['kubernetes.io'] }, /^config.claims must have names of/],
    ['a claim whose name begins with a digit', { claims: { '1a': '/a' } }, /^config.claims must have names of/],
    ['a claim whose name has 64 characters', { claims: ['a'.repeat(64)] }, /^config.claims must have names of/],
    ['a claim that is a number', { claims: [7] }, /^config.claims must have names of/],
    ['a claim twice', { claims: ['a', 'a'] }, /^config.claims must name each claim once/],
    ['a pointer without a slash', { claims: { a: 'a.b' } }, /^config.claims.a must be a JSON Pointer/],
    ['a pointer to everything', { claims: { a: '' } }, /^config.claims.a must be a JSON Pointer/],
    ['a pointer with a wrong escape', { claims: { a: '/a~2' } }, /^config.claims.a must be a JSON Pointer/],
    ['a pointer of nine names', { claims: { a: '/a'.repeat(9) } }, /^config.claims.a must be a JSON Pointer/],
    [
      'a pointer of 257 characters',
      { claims: { a: `/${'a'.repeat(256)}` } },
      /^config.claims.a must be a JSON Pointer/,
    ],
    ['another claim as sub', { claims: { sub: '/oid' } }, /^config.claims.sub must be \/sub/],
    [
      'a required claim that is not exposed',
      { required_claims: { repo: 'a' } },
      /^config.required_claims must name .*: sub/,
    ],
    ['a required claim that is null', { required_claims: { sub: null } }, /^config.required_claims.sub must be a text/],
    ['a required claim that is a list', { required_claims: { sub: ['a'] } }, /^config.required_claims.sub must be/],
    [
      'a required text of 1,025 characters',
      { required_claims: { sub: 'a'.repeat(1025) } },
      /^config.required_claims.sub/,
    ],
    [
      'required claims that are empty',
      { required_claims: {} },
      /^config.required_claims must be an object with 1 to 16/,
    ],
    [
      '17 required claims',
      { claims: many(17), required_claims: Object.fromEntries(many(17).map((name) => [name, 'a'])) },
      /^config.required_claims must be an object with 1 to 16/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => parseConfig({ issuer, ...change }, undefined)).toThrow(refusal(message))
  })

  it('accepts an issuer that is an address if the keys are pinned', () => {
    expect(parseConfig({ issuer: 'https://10.0.0.1', jwks }, undefined).issuer).toBe('https://10.0.0.1')
  })
})

describe('parseConfig of a preset', () => {
  const audience = 'api://attest'
  const [v1, v2] = [`https://sts.windows.net/${tenant}/`, `https://login.microsoftonline.com/${tenant}/v2.0`]

  it.each<[preset: keyof typeof PRESETS, config: object, issuer: string]>([
    ['kubernetes', { issuer }, issuer],
    ['github-actions', {}, 'https://token.actions.githubusercontent.com'],
    [
      'github-actions',
      { issuer: 'https://token.actions.githubusercontent.com/octo-inc' },
      'https://token.actions.githubusercontent.com/octo-inc',
    ],
    ['gitlab', {}, 'https://gitlab.com'],
    ['gitlab', { issuer: 'https://gitlab.acme.example' }, 'https://gitlab.acme.example'],
    ['gcp', {}, 'https://accounts.google.com'],
    ['azure', { tenant, audience }, v1],
    ['azure', { tenant, audience, issuer: v1 }, v1],
    ['azure', { tenant, audience, issuer: v2 }, v2],
  ])('%s %j knows the issuer', (preset, config, expected) => {
    expect(parseConfig({ ...config }, PRESETS[preset]).issuer).toBe(expected)
  })

  it.each<[preset: keyof typeof PRESETS, name: string, config: object, message: RegExp]>([
    ['kubernetes', 'no issuer', {}, /^config.issuer must be the cluster's/],
    ['kubernetes', 'claims', { issuer, claims: ['a'] }, /must not have a member "claims"/],
    ['github-actions', 'another issuer', { issuer }, /^config.issuer must be https:\/\/token.actions/],
    [
      'github-actions',
      'an issuer that only begins like it',
      { issuer: 'https://token.actions.githubusercontent.com.evil.example' },
      /^config.issuer must be/,
    ],
    [
      'github-actions',
      'its issuer with a slash',
      { issuer: 'https://token.actions.githubusercontent.com/' },
      /^config.issuer must be/,
    ],
    ['gitlab', 'an issuer that is http', { issuer: 'http://gitlab.example' }, /^config.issuer must be the https URL/],
    ['gcp', 'an issuer', { issuer }, /must not have a member "issuer"/],
    ['azure', 'no tenant', { audience }, /^config.tenant must be a UUID/],
    ['azure', 'the tenant common', { tenant: 'common', audience }, /^config.tenant must be a UUID/],
    [
      'azure',
      'the issuer of another tenant',
      { tenant, audience, issuer: v2.replace('1', '2') },
      /^config.tenant must/,
    ],
    ['azure', 'no audience', { tenant }, /^config.audience must be the audience of the tokens/],
    ['github-actions', 'a required claim that it does not expose', { required_claims: { repo: 'a' } }, /repository_id/],
  ])('%s refuses %s', (preset, _, config, message) => {
    expect(() => parseConfig({ ...config }, PRESETS[preset])).toThrow(refusal(message))
  })

  it('azure accepts tokens of a day, because Azure keeps them for so long', () => {
    expect(parseConfig({ tenant, audience }, PRESETS.azure).maxTokenAgeMs).toBe(90_000_000)
    expect(parseConfig({ tenant, audience, max_token_age: 600 }, PRESETS.azure).maxTokenAgeMs).toBe(600_000)
  })
})
