import { describe, expect, it } from 'vitest'
import { ISSUER } from '../../../test/support/assertions.ts'
import { fakeIssuer } from '../../../test/support/offline-verifier.ts'
import { createMetadata, type MetadataOptions } from './resource-metadata.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const RESOURCE = 'https://b.example'
const SHORTEST = {
  resource: RESOURCE,
  authorization_servers: [ISSUER],
  bearer_methods_supported: ['header'],
  dpop_signing_alg_values_supported: ['EdDSA', 'Ed25519', 'ES256'],
}

const documentOf = (options: MetadataOptions, path = WELL_KNOWN, ofVerifier = {}): unknown =>
  JSON.parse(createMetadata(fakeIssuer().newVerifier(ofVerifier), options)('GET', path)?.body ?? '')

describe('the metadata of a resource', () => {
  it.each<[string, MetadataOptions, object]>([
    ['only what is known', {}, {}],
    ['no empty list of scopes', { scopesSupported: '' }, {}],
    ['the scopes', { scopesSupported: 'write read' }, { scopes_supported: ['read', 'write'] }],
    ['that chains of grants are accepted', { delegation: 'accept' }, { auth4agent_grant_chains_supported: true }],
    ['nothing about chains that are refused', { delegation: 'refuse' }, {}],
    ['that tokens must be bound', { dpop: 'required' }, { dpop_bound_access_tokens_required: true }],
    [
      'name and documentation',
      { resourceName: 'Orders', resourceDocumentation: 'https://b.example/docs' },
      { resource_name: 'Orders', resource_documentation: 'https://b.example/docs' },
    ],
  ])('contain %s', (_name, options, members) => {
    expect(documentOf({ resource: RESOURCE, ...options })).toEqual({ ...SHORTEST, ...members })
  })

  it("contain the verifier's resource, and that its tokens must be bound", () => {
    const ofVerifier = { resource: 'https://c.example/v2', dpop: 'required' }
    expect(documentOf({}, `${WELL_KNOWN}/v2`, ofVerifier)).toEqual({
      ...SHORTEST,
      resource: 'https://c.example/v2',
      dpop_bound_access_tokens_required: true,
    })
  })

  it.each([
    ['https://b.example', WELL_KNOWN],
    ['https://b.example/', WELL_KNOWN],
    ['https://b.example/v2', `${WELL_KNOWN}/v2`],
    ['https://b.example/a/b/', `${WELL_KNOWN}/a/b/`],
    ['https://b.example/v2?for=a', `${WELL_KNOWN}/v2?for=a`],
    ['http://127.0.0.1:8080/v2', `${WELL_KNOWN}/v2`],
  ])('of %s are at the path %s only, and name the resource byte for byte', (resource, path) => {
    const answer = createMetadata(fakeIssuer().newVerifier(), { resource })
    for (const target of [path, `${path}${path.includes('?') ? '&' : '?'}x=1`, `https://evil.example${path}`]) {
      expect(JSON.parse(answer('GET', target)?.body ?? '')).toMatchObject({ resource })
    }
    for (const target of ['/', `${WELL_KNOWN}x`, `${WELL_KNOWN}/v3`, `/x${WELL_KNOWN}`, `/${path}`, `/?${path}`, '*']) {
      expect(answer('GET', target)).toBeUndefined()
    }
  })

  it('may be read by scripts of any origin, with any header', () => {
    const answer = createMetadata(fakeIssuer().newVerifier(), { resource: RESOURCE })
    expect(answer('GET', WELL_KNOWN)?.headers).toEqual({
      'content-type': 'application/json',
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
    })
    expect(answer('HEAD', WELL_KNOWN)).toMatchObject({ status: 200 })
    expect(answer('OPTIONS', WELL_KNOWN)).toMatchObject({
      status: 204,
      body: '',
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET',
        'access-control-allow-headers': '*',
      },
    })
    for (const method of ['POST', 'PUT', 'DELETE', 'get']) expect(answer(method, WELL_KNOWN)).toBeUndefined()
  })
})

it.each<[string, object]>([
  ['no resource', {}],
  ['a resource that is a host name', { resource: 'b.example' }],
  ['malformed scopes', { resource: RESOURCE, scopesSupported: 'a  b' }],
  ['an unknown value of delegation', { resource: RESOURCE, delegation: true }],
  ['an unknown value of dpop', { resource: RESOURCE, dpop: undefined }],
  ['an unknown option', { resource: RESOURCE, resourcename: 'Orders' }],
])('createMetadata throws TypeError for %s', (_name, options) => {
  expect(() => createMetadata(fakeIssuer().newVerifier(), options)).toThrow(TypeError)
})
