import { describe, expect, it } from 'vitest'
import {
  DPOP_CHALLENGE as DPOP,
  prove,
  setUpGuard as setUp,
  TARGET,
  URL_NOW,
} from '../../../test/clients/verifier/guards.ts'
import { ODD_URLS } from '../../../test/support/odd-urls.ts'
import { newToken } from '../../../test/support/offline-verifier.ts'
import { createGuard, type GuardOptions } from './guard.ts'
import type { VerifierOptions } from './verifier-options.ts'

describe("a guard with dpop: 'required'", () => {
  it.each<[string, GuardOptions, Partial<VerifierOptions>]>([
    ['of its own', { dpop: 'required' }, {}],
    ['of its verifier', {}, { dpop: 'required' }],
  ])('%s names only the scheme DPoP, and refuses every token under Bearer', async (_name, options, ofVerifier) => {
    const { client, bound, bearer, decide } = setUp(options, ofVerifier)
    expect((await decide([])).slice(0, 3)).toEqual([401, 'UNAUTHENTICATED', DPOP])
    expect((await decide([`Bearer ${bearer}`])).slice(0, 2)).toEqual([401, 'TOKEN_NOT_BOUND'])
    const [status, reason, challenge] = await decide([`Bearer ${bound}`])
    expect([status, reason]).toEqual([401, 'PROOF_REQUIRED'])
    expect(challenge).toMatch(/^DPoP error="invalid_token", error_description="[^"]*", algs="EdDSA Ed25519 ES256"$/)
    expect(await decide([`DPoP ${bound}`], [prove(client, bound)])).toEqual([200])
  })

  it('throws TypeError if the public URL is not known', () => {
    const { verifier } = setUp({}, { audience: 'b.example' })
    expect(() => createGuard(verifier, { dpop: 'required' })).toThrow(TypeError)
    expect(() => createGuard(verifier, { dpop: 'required', publicUrl: 'https://b.example' })).not.toThrow()
  })

  it.each<[string, object]>([
    ['undefined', { dpop: undefined }],
    ['a proof', { dpop: { proof: '', method: '', url: '' } }],
    ['true', { dpop: true }],
  ])('throws TypeError if the option is %s instead', (_name, options) => {
    expect(() => createGuard(setUp().verifier, options)).toThrow(TypeError)
  })
})

describe('the public URL of a guard', () => {
  const both = ['https://b.example', 'https://c.example/v2']
  it.each<[string, GuardOptions, Partial<VerifierOptions>, string]>([
    ['the origin of the audience', {}, { audience: 'https://b.example/v2' }, 'https://b.example'],
    ['the origin with its port', {}, { audience: 'https://b.example:8443' }, 'https://b.example:8443'],
    ['the only URL of the audiences', {}, { audience: ['b.example', 'http://b.example'] }, 'http://b.example'],
    ['its own option', { publicUrl: 'https://c.example/api/' }, {}, 'https://c.example/api'],
    ["the verifier's option", {}, { publicUrl: 'https://c.example/api' }, 'https://c.example/api'],
    ['the origin of the resource', {}, { audience: both, resource: 'https://c.example/v2' }, 'https://c.example'],
    ['the origin of its own resource', { resource: 'https://c.example/mcp' }, {}, 'https://c.example'],
    ['the origin of its own audience', { audience: 'https://c.example' }, { audience: both }, 'https://c.example'],
    [
      "the verifier's option if its own resource is on the same origin",
      { resource: 'https://c.example/api/mcp' },
      { publicUrl: 'https://c.example/api' },
      'https://c.example/api',
    ],
    [
      "the verifier's option if its own audience is no URL",
      { audience: 'c.example' },
      { publicUrl: 'https://c.example/api' },
      'https://c.example/api',
    ],
  ])('is %s', async (_name, options, ofVerifier, publicUrl) => {
    const { client, decide } = setUp(options, ofVerifier)
    const audiences = ['https://b.example', 'https://b.example/v2', 'https://b.example:8443', 'b.example', 'c.example']
    const token = client.newToken({
      aud: [...audiences, 'https://c.example', 'https://c.example/mcp', 'https://c.example/api/mcp'],
    })
    expect(await decide([`DPoP ${token}`], [prove(client, token, `${publicUrl}/orders`)])).toEqual([200])
    expect((await decide([`DPoP ${token}`], [prove(client, token, 'https://d.example/orders')])).slice(0, 2)).toEqual([
      401,
      'PROOF_INVALID',
    ])
  })

  it.each<[string, Partial<VerifierOptions>]>([
    ['the audience is a host name', { audience: 'b.example' }],
    ['the audiences are URLs of two origins', { audience: both }],
    ['the audience is a URL of another protocol', { audience: 'ftp://b.example' }],
  ])('is not known if %s, and then the guard accepts no proof and names only Bearer', async (_name, ofVerifier) => {
    const { client, decide, verifier } = setUp({}, ofVerifier)
    const token = client.newToken({ aud: [...verifier.settings.audience] })
    for (const url of [URL_NOW, '/orders', 'https:///orders']) {
      expect(await decide([`DPoP ${token}`], [prove(client, token, url)])).toEqual([
        401,
        'PUBLIC_URL_UNKNOWN',
        'Bearer error="invalid_token", error_description="This API does not know its public URL, so it accepts no DPoP proofs"',
        'This API does not know its public URL, so it accepts no DPoP proofs',
      ])
    }
  })
})

describe('a guard with a scope', () => {
  it('names the scope in every challenge, and the missing scopes in the description', async () => {
    const { client, bearer, decide } = setUp({ scope: 'read admin' })
    const scope = 'scope="read admin"'
    expect((await decide([]))[2]).toBe(`Bearer ${scope}, ${DPOP}, ${scope}`)
    const lacking = 'error="insufficient_scope", error_description="The token lacks a required scope: admin"'
    expect(await decide([`Bearer ${bearer}`])).toEqual([
      403,
      'SCOPE_MISSING',
      `Bearer ${lacking}, ${scope}, ${DPOP}, ${scope}`,
      'The token lacks a required scope: admin',
    ])
    const bound = client.newToken({ scope: 'other' })
    expect((await decide([`DPoP ${bound}`], [prove(client, bound)]))[2]).toBe(
      `Bearer ${scope}, DPoP ${lacking.replace(': admin', ': admin read')}, algs="EdDSA Ed25519 ES256", ${scope}`,
    )
  })
})

const metadata = (path: string) => `resource_metadata="https://c.example/.well-known/oauth-protected-resource${path}"`

describe('a guard that knows its resource', () => {
  const RESOURCE = 'https://c.example/orders'

  it.each<[string, GuardOptions, Partial<VerifierOptions>, string]>([
    ['by its verifier', {}, { resource: RESOURCE }, metadata('/orders')],
    ['by its own option', { resource: 'https://c.example' }, { resource: RESOURCE }, metadata('')],
    [
      'and another address',
      { resourceMetadata: 'https://d.example/m' },
      { resource: RESOURCE },
      'resource_metadata="https://d.example/m"',
    ],
  ])('%s names the address of the metadata in every challenge', async (_name, options, ofVerifier, parameter) => {
    const { decide } = setUp(options, ofVerifier)
    expect((await decide([]))[2]).toBe(`Bearer ${parameter}, ${DPOP}, ${parameter}`)
  })

  it('accepts only tokens for the resource, and also for its own audience if it has one', async () => {
    const { issuer, bearer, decide, verifier } = setUp({ resource: RESOURCE })
    const token = newToken(issuer.key, { aud: [RESOURCE] })
    expect(await decide([`Bearer ${token}`])).toEqual([200])
    expect((await decide([`Bearer ${bearer}`]))[0]).toBe(401)
    const guard = createGuard(verifier, { resource: RESOURCE, audience: verifier.settings.audience })
    const request = { request: {}, authorization: [`Bearer ${token}`], dpop: [], method: 'GET', target: TARGET }
    for (const text of [token, bearer])
      expect(await guard({ ...request, authorization: [`Bearer ${text}`] })).toHaveProperty('claims')
  })
})

it.each<[string, object]>([
  ['a publicUrl that is a path', { publicUrl: '/api' }],
  ['a publicUrl that is a host name', { publicUrl: 'b.example' }],
  ['a publicUrl of another protocol', { publicUrl: 'ftp://b.example' }],
  ['a publicUrl with a query', { publicUrl: 'https://b.example?' }],
  ['a publicUrl with a fragment', { publicUrl: 'https://b.example#' }],
  ['a publicUrl with a user', { publicUrl: 'https://user@b.example' }],
  ['a resource that is a host name', { resource: 'b.example' }],
  ['a resource without TLS', { resource: 'http://b.example' }],
  ['a resource with a fragment', { resource: 'https://b.example#' }],
  ...ODD_URLS.map(([name, resource]): [string, object] => [`a resource with ${name}`, { resource }]),
])('createGuard and createVerifier throw TypeError for %s', (_name, options) => {
  const { issuer, verifier } = setUp()
  expect(() => createGuard(verifier, options)).toThrow(TypeError)
  expect(() => issuer.newVerifier(options)).toThrow(TypeError)
})
