import { generateKeyPair, importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { signCompactJws } from '../../../test/support/jws.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { parseClientAssertion } from './parse-client-assertion.ts'

const DID = `did:agent:acme.example:${'0'.repeat(32)}`
const ISSUER = 'https://auth.example/base'
const ENDPOINT = `${ISSUER}/oauth/token`
const NOW = 1_800_000_000
const RULES = { issuer: ISSUER, tokenEndpoint: undefined, nowS: NOW, skewS: 10 }
const pair = generateKeyPair()
const GOOD = { iss: DID, sub: DID, aud: ISSUER, exp: NOW + 60, jti: 'one' }
const assertion = (claims: object = {}, header: object = {}) =>
  signCompactJws({ alg: 'EdDSA', ...header }, { ...GOOD, ...claims }, pair.privateKey)
const parse = (claims: object = {}, header: object = {}, clientId = '', rules: object = {}) =>
  parseClientAssertion(assertion(claims, header), clientId, { ...RULES, ...rules })

describe('parseClientAssertion', () => {
  it('returns the agent, the signed bytes, and an id that depends on agent and jti', () => {
    const { proof, namesEndpoint } = parse()
    const key = importPublicKey(pair.publicKey)
    expect(key !== undefined && verify(key, proof.message, proof.signature)).toBe(true)
    expect({ proof, namesEndpoint }).toMatchObject({
      proof: { did: DID, exp: NOW + 70, kid: '', alg: 'EdDSA' },
      namesEndpoint: false,
    })
    const ids = [{}, { exp: NOW + 61 }, { jti: 'two' }, { iss: `${DID}1`, sub: `${DID}1` }].map(
      (claims) => parse(claims).proof.id,
    )
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-/)
    expect(ids[1]).toBe(ids[0])
    expect(new Set(ids).size).toBe(3)
  })

  it.each<[string, object, object?, string?]>([
    ['the name Ed25519 of the algorithm', {}, { alg: 'Ed25519' }],
    ['the typ JWT', {}, { typ: 'JWT' }],
    ['its own typ', {}, { typ: 'client-authentication+jwt' }],
    ['a kid', {}, { kid: 'k' }],
    ['alg ES256, which an added key may have', {}, { alg: 'ES256' }],
    ['client_id', {}, {}, DID],
    ['a list of the issuer alone', { aud: [ISSUER] }],
    ['exp 300 seconds ahead', { exp: NOW + 300 }],
    ['exp 300 seconds ahead by a clock that is ahead by the skew', { exp: NOW + 310 }],
    ['exp that passed within the skew', { exp: NOW - 9 }],
    ['iat and nbf within the skew', { iat: NOW + 10, nbf: NOW + 10 }],
    ['an old iat', { iat: NOW - 86_400 }],
    ['a jti of 128 characters', { jti: 'j'.repeat(128) }],
    ['unknown claims', { azp: 'x' }],
  ])('accepts %s', (_, claims, header, clientId) => {
    expect(parse(claims, header, clientId).proof.did).toBe(DID)
  })

  it.each<[string, object, object?, string?]>([
    ['alg none', {}, { alg: 'none' }],
    ['alg HS256', {}, { alg: 'HS256' }],
    ['alg ES384', {}, { alg: 'ES384' }],
    ['the typ of an operator assertion', {}, { typ: 'auth4agent-operator+jwt' }],
    ['the typ of an access token', {}, { typ: 'at+jwt' }],
    ['the typ of a DPoP proof', {}, { typ: 'dpop+jwt' }],
    ['an empty typ', {}, { typ: '' }],
    ['a number as typ', {}, { typ: 1 }],
    ['a jwk', {}, { jwk: {} }],
    ['crit', {}, { crit: ['exp'] }],
    ['another sub', { sub: 'other' }],
    ['no iss', { iss: undefined }],
    ['another client_id', {}, {}, `${DID}0`],
    ['no aud', { aud: undefined }],
    ['another aud', { aud: 'https://auth.example' }],
    ['aud with a slash', { aud: `${ISSUER}/` }],
    ['a list of two', { aud: [ISSUER, 'https://other.example'] }],
    ['a list of the issuer twice', { aud: [ISSUER, ISSUER] }],
    ['an empty list', { aud: [] }],
    ['a list in a list', { aud: [[ISSUER]] }],
    ['the token endpoint as aud', { aud: ENDPOINT }],
    ['no exp', { exp: undefined }],
    ['exp as text', { exp: String(NOW + 60) }],
    ['exp more than 300 seconds ahead', { exp: NOW + 311 }],
    ['a negative exp', { exp: -1 }],
    ['exp with a fraction', { exp: NOW + 59.5 }],
    ['iat with a fraction', { iat: NOW - 0.5 }],
    ['nbf with a fraction', { nbf: NOW - 0.5 }],
    ['iat in the future', { iat: NOW + 11 }],
    ['nbf in the future', { nbf: NOW + 11 }],
    ['exp before iat, by less than the skew', { iat: NOW + 5, exp: NOW + 4 }],
    ['exp before nbf, by less than the skew', { nbf: NOW - 3, exp: NOW - 5 }],
    ['exp equal to iat', { iat: NOW, exp: NOW }],
    ['iat as text', { iat: 'now' }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['a jti of 129 characters', { jti: 'j'.repeat(129) }],
    ['a number as jti', { jti: 1 }],
    ['a scope with two blanks', { scope: 'a  b' }],
    ['a list as scope', { scope: ['a'] }],
    ['an empty list as resource', { resource: [] }],
    ['a host name as resource', { resource: 'api.example' }],
    ['a number as resource', { resource: [1] }],
    ['details that are no digest', { details: '[]' }],
    ['a list as details', { details: [] }],
    ['a subject_token that is no digest', { subject_token: 'a~b' }],
    ['a resource with a fragment', { resource: 'https://api.example/#x' }],
  ])('refuses %s', (_, claims, header, clientId) => {
    expect(reasonOf(() => parse(claims, header, clientId))).toBe('INVALID_ASSERTION')
  })

  it.each([
    ['an assertion that has expired', { exp: NOW - 10 }, 'ASSERTION_EXPIRED'],
    ['authorization details', { authorization_details: [] }, 'UNSUPPORTED_AUTHORIZATION_DETAILS'],
  ])('refuses %s with its own reason', (_, claims, reason) => {
    expect(reasonOf(() => parse(claims))).toBe(reason)
  })

  it('accepts the token endpoint as aud only if the setting allows it, and tells so', () => {
    const rules = { tokenEndpoint: ENDPOINT }
    expect(parse({ aud: ENDPOINT }, {}, '', rules).namesEndpoint).toBe(true)
    expect(parse({ aud: [ENDPOINT] }, {}, '', rules).namesEndpoint).toBe(true)
    expect(parse({ aud: ISSUER }, {}, '', rules).namesEndpoint).toBe(false)
    expect(reasonOf(() => parse({ aud: [ISSUER, ENDPOINT] }, {}, '', rules))).toBe('INVALID_ASSERTION')
  })

  it('returns the terms that the signature covers, in the canonical form of a bound challenge', () => {
    const resource = ['https://b.example', 'https://a.example']
    expect(parse().proof).toMatchObject({ covered: {}, isFullyBound: false })
    expect(parse({ scope: 'write read' }).proof).toMatchObject({
      covered: { scope: 'read write' },
      isFullyBound: false,
    })
    expect(parse({ scope: '', resource: 'https://a.example' }).proof).toMatchObject({
      covered: { scope: '', aud: ['https://a.example'] },
      isFullyBound: true,
    })
    const digests = { details: 'd'.repeat(43), subject_token: '-'.repeat(43) }
    expect(parse(digests).proof.covered).toEqual(digests)
    expect(parse({ resource }).proof).toMatchObject({ covered: { aud: resource.toSorted() }, isFullyBound: false })
  })
})
