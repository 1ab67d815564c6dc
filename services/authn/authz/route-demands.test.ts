import { describe, expect, it } from 'vitest'
import { createDemands } from './check.ts'
import { readRouteDemands } from './route-demands.ts'

const ISSUER = 'https://auth.example'
const GOOD = { audience: 'https://b.example' }
const read = (extensions: Record<string, string>) => readRouteDemands(extensions, ISSUER)
const many = (count: number) => Array.from({ length: count }, (_, place) => `a${place}.example`).join(' ')

describe('readRouteDemands refuses every request of a route', () => {
  it.each<[string, Record<string, string>, string]>([
    ['without context extensions', {}, 'AUDIENCE_NOT_DEMANDED'],
    ['without audience', { scope: 'read' }, 'AUDIENCE_NOT_DEMANDED'],
    ['with an unknown name', { ...GOOD, scopes: 'read' }, 'EXTENSION_UNKNOWN'],
    ['with a known name in upper case', { ...GOOD, Scope: 'read' }, 'EXTENSION_UNKNOWN'],
    ['with an unknown name and no audience', { virtual_host: 'x' }, 'EXTENSION_UNKNOWN'],
    ['with an empty audience', { audience: '' }, 'EXTENSION_INVALID'],
    ['with an audience that no token can have', { audience: 'https://B.example' }, 'EXTENSION_INVALID'],
    ['with two spaces between audiences', { audience: 'a.example  b.example' }, 'EXTENSION_INVALID'],
    ['with commas between audiences', { audience: 'a.example,b.example' }, 'EXTENSION_INVALID'],
    ['with an audience twice', { audience: 'a.example a.example' }, 'EXTENSION_INVALID'],
    ['with too many audiences', { audience: many(65) }, 'EXTENSION_INVALID'],
    ['with an empty scope', { ...GOOD, scope: '' }, 'EXTENSION_INVALID'],
    ['with a scope that would end the text of a challenge', { ...GOOD, scope: 'a"' }, 'EXTENSION_INVALID'],
    ['with a wildcard as scope', { ...GOOD, scope: '*' }, 'EXTENSION_INVALID'],
    ['with an empty operators', { ...GOOD, operators: '' }, 'EXTENSION_INVALID'],
    ['with too many operators', { ...GOOD, operators: many(65) }, 'EXTENSION_INVALID'],
    ['with a line break in actors', { ...GOOD, actors: 'a.example\n' }, 'EXTENSION_INVALID'],
    ['with too many issuers', { ...GOOD, issuers: many(33) }, 'EXTENSION_INVALID'],
    ['with delegation that is not checked', { ...GOOD, delegation: 'inspect' }, 'EXTENSION_INVALID'],
    ['with delegation but without scope', { ...GOOD, delegation: 'accept' }, 'EXTENSION_INVALID'],
    ['with another word for DPoP', { ...GOOD, dpop: 'true' }, 'EXTENSION_INVALID'],
    ['with DPoP switched off', { ...GOOD, dpop: '' }, 'EXTENSION_INVALID'],
    ['with attestation but without operators', { ...GOOD, attestation_level: 'hardware' }, 'EXTENSION_INVALID'],
    ['with an unknown level', { ...GOOD, operators: 'a.example', attestation_level: 'high' }, 'EXTENSION_INVALID'],
    ['with an age of zero', { ...GOOD, operators: 'a.example', attestation_max_age: '0' }, 'EXTENSION_INVALID'],
    ['with an age with a unit', { ...GOOD, operators: 'a.example', attestation_max_age: '5m' }, 'EXTENSION_INVALID'],
    [
      'with an age that is too large',
      { ...GOOD, operators: 'a.example', attestation_max_age: '9'.repeat(12) },
      'EXTENSION_INVALID',
    ],
    [
      'with a type that no attestor has',
      { ...GOOD, operators: 'a.example', attestation_types: 't,p' },
      'EXTENSION_INVALID',
    ],
    ['with a prefix without x-', { ...GOOD, header_prefix: 'auth-' }, 'EXTENSION_INVALID'],
    ['with a prefix that takes all headers', { ...GOOD, header_prefix: 'x-' }, 'EXTENSION_INVALID'],
    ['with a prefix without hyphen at its end', { ...GOOD, header_prefix: 'x-caller' }, 'EXTENSION_INVALID'],
    ['with a prefix in upper case', { ...GOOD, header_prefix: 'X-Caller-' }, 'EXTENSION_INVALID'],
    ['with a prefix with an underscore', { ...GOOD, header_prefix: 'x-call_er-' }, 'EXTENSION_INVALID'],
    ['with the prefix of Envoy', { ...GOOD, header_prefix: 'x-envoy-' }, 'EXTENSION_INVALID'],
    ['with the prefix of proxies', { ...GOOD, header_prefix: 'x-forwarded-client-' }, 'EXTENSION_INVALID'],
    ['with a long prefix', { ...GOOD, header_prefix: `x-${'a'.repeat(62)}-` }, 'EXTENSION_INVALID'],
    ['with another word for forward_token', { ...GOOD, forward_token: 'no' }, 'EXTENSION_INVALID'],
    ['with metadata over http', { ...GOOD, resource_metadata: 'http://b.example' }, 'EXTENSION_INVALID'],
    ['with metadata with a quote', { ...GOOD, resource_metadata: 'https://b.example/"' }, 'EXTENSION_INVALID'],
  ])('%s', (_, extensions, reason) => {
    expect(read(extensions)).toEqual({
      reason,
      status: 403,
      headers: {},
      detail: expect.stringMatching(/^[\x20-\x7e]+$/),
    })
  })

  it.each<[string, Record<string, string>, string]>([
    ['the unknown parameter', { ...GOOD, scopes: 'read' }, 'Unknown parameter scopes'],
    [
      'no unknown parameter that could change the header',
      { 'a\r\nb': '' },
      'Unknown parameter (not shown: it is no name)',
    ],
    ['the missing parameter', {}, 'The parameter audience is missing'],
    ['the parameter whose value is wrong', { ...GOOD, dpop: 'true' }, 'The parameter dpop is not valid'],
    [
      'the list that has a text twice',
      { ...GOOD, operators: 'a.example a.example' },
      'The parameter operators is not valid',
    ],
    ['what a parameter lacks', { ...GOOD, delegation: 'accept' }, 'scope'],
    ['the list that is too long', { audience: many(65) }, 'audience'],
  ])('and names %s', (_, extensions, detail) => {
    expect(read(extensions)).toMatchObject({ detail: expect.stringContaining(detail) })
  })
})

it('readRouteDemands reads every context extension', () => {
  const demands = read({
    audience: 'https://b.example b.example',
    scope: 'read write',
    operators: 'a.example c.example',
    actors: 'a.example',
    issuers: 'https://auth.example https://other.example',
    delegation: 'accept',
    dpop: 'required',
    attestation_types: 'tpm',
    attestation_attestors: 'fleet',
    attestation_level: 'hardware',
    attestation_max_age: '600',
    header_prefix: 'x-caller-',
    forward_token: 'false',
    resource_metadata: 'https://b.example/.well-known/oauth-protected-resource',
  })
  expect(demands).toMatchObject({
    scope: 'read write',
    resourceMetadata: 'https://b.example/.well-known/oauth-protected-resource',
    isDpopRequired: true,
    prefix: 'x-caller-',
    isTokenForwarded: false,
    request: {
      token: '',
      audience: ['https://b.example', 'b.example'],
      scope: 'read write',
      operators: ['a.example', 'c.example'],
      actors: ['a.example'],
      issuers: ['https://auth.example', 'https://other.example'],
      delegation: 'accept',
      attestation: { types: ['tpm'], attestors: ['fleet'], level: 'hardware', maxAge: 600 },
      proofChecked: false,
    },
  })
})

it('readRouteDemands leaves out what the route does not demand', () => {
  const demands = read(GOOD)
  expect(demands).toMatchObject({ isDpopRequired: false, prefix: 'x-auth4agent-', isTokenForwarded: true })
  expect(demands).toMatchObject({ request: { operators: [], actors: [], issuers: [], delegation: '' } })
  expect('request' in demands && [demands.request.scope, demands.request.attestation]).toEqual([undefined, undefined])
})

it('createDemands remembers a route by all its context extensions, and a bounded number of routes', () => {
  const demandsOf = createDemands(ISSUER)
  const first = demandsOf(GOOD)
  expect(demandsOf({ ...GOOD })).toBe(first)
  expect(demandsOf({ ...GOOD, scope: 'read' })).not.toBe(first)
  const long = { ...GOOD, resource_metadata: `https://b.example/${'a'.repeat(1_900)}`, scope: 'a'.repeat(128) }
  expect(demandsOf(long)).toBe(demandsOf({ ...long }))
  for (let count = 0; count < 1_000; count += 1) demandsOf({ ...GOOD, scope: `s${count}` })
  expect(demandsOf({ ...GOOD })).not.toBe(first)
  expect(demandsOf({ ...GOOD })).toEqual(first)
})
