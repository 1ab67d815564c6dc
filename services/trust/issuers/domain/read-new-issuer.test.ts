import { operatorId } from '@auth4agent/core/identity/operator-id'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AddIssuerRequestSchema } from '../../../../gen/proto/auth4agent/v1/issuers_pb.ts'
import { watchJwk } from '../../../../test/support/issuer-keys.ts'
import { refusalOf } from '../../../../test/support/reason-of.ts'
import type { ReasonCode } from '../../../platform/errors/reasons.ts'
import { defaultJwksUri, readNewIssuer } from './read-new-issuer.ts'

const RULES = { ourIssuer: 'https://auth.alpha.net', testDomains: false }
const ANCHOR = 'https://id.gamma.org/federation'
const OPERATOR = '00000000-0000-8000-8000-000000000000'
const DEPLOYMENT = { issuer: 'https://beta.io/auth', kind: 'auth4agent', revocationMode: 'none' }
const LOG = { ...DEPLOYMENT, revocationMode: 'log', actsAs: OPERATOR }
const OAUTH = { issuer: 'https://idp.beta.io/', kind: 'oauth', algorithms: ['RS256'], domain: 'beta.io' }
const NONE = { ...OAUTH, revocationMode: 'none' }
const INTROSPECTION = {
  ...OAUTH,
  revocationMode: 'introspection',
  actsAs: 'alpha',
  secret: 'p4ss word',
  introspectionUri: 'https://idp.beta.io/introspect',
}
const LISTED = { ...OAUTH, revocationMode: 'status_list' }

type Fields = MessageInitShape<typeof AddIssuerRequestSchema>
const read = (fields: Fields) => readNewIssuer(create(AddIssuerRequestSchema, fields), RULES)

describe('readNewIssuer', () => {
  it('fills in the defaults of another deployment', async () => {
    expect(await read(DEPLOYMENT)).toEqual({
      ...DEPLOYMENT,
      algorithms: ['EdDSA'],
      tokenType: 'at+jwt',
      jwksUri: 'https://beta.io/auth/.well-known/jwks.json',
      anchor: null,
      actsAs: null,
      secret: undefined,
      introspectionUri: null,
      statusListUri: null,
      maxTokenTtl: 300,
      maxStalenessMs: 5000,
      domain: undefined,
    })
  })

  it('keeps only the members of the private key for the log, and lets its tokens live an hour', async () => {
    const jwk = watchJwk()
    const given = JSON.stringify({ ...jwk, kid: 'mine', alg: 'EdDSA', use: 'sig' })
    expect(await read({ ...LOG, secret: given })).toMatchObject({
      actsAs: OPERATOR,
      secret: JSON.stringify(jwk),
      maxTokenTtl: 3600,
    })
  })

  it('pins the domain of an OAuth server to an operator id that no root key can have', async () => {
    const id = operatorId({ issuer: 'https://idp.beta.io/', domain: 'beta.io', thumbprint: '' })
    expect(await read({ ...NONE, domain: 'BETA.io' })).toMatchObject({ domain: { domain: 'beta.io', operatorId: id } })
  })

  it('accepts a client of an introspection endpoint', async () => {
    const { actsAs, secret, introspectionUri } = INTROSPECTION
    expect(await read(INTROSPECTION)).toMatchObject({ actsAs, secret, introspectionUri })
  })

  it.each<[string, Fields, object]>([
    ['of another deployment', { ...DEPLOYMENT, revocationMode: 'status_list' }, {}],
    ['on the origin of an OAuth server', LISTED, { actsAs: null, secret: undefined }],
    ['elsewhere', { ...LISTED, statusListUri: 'https://a.io/b/' }, { statusListUri: 'https://a.io/b/' }],
    ['that may be 2 s old', { ...LISTED, maxStalenessMs: 2000 }, { maxStalenessMs: 2000 }],
    ['that may be 5 minutes old', { ...LISTED, maxStalenessMs: 300_000 }, {}],
  ])('accepts status lists %s', async (_, fields, expected) => {
    const usual = { statusListUri: null, maxStalenessMs: 300_000, maxTokenTtl: 3600, introspectionUri: null }
    expect(await read(fields)).toMatchObject({ ...usual, ...expected })
  })

  // Row 25 of the attacks: what the administrator has not named cannot be turned on by leaving it out.
  it.each<[string, Fields, ReasonCode]>([
    [
      'an address of keys beside an anchor',
      { ...DEPLOYMENT, anchor: ANCHOR, jwksUri: `${ANCHOR}/jwks` },
      'INVALID_ARGUMENT',
    ],
    ['an anchor that is no entity', { ...DEPLOYMENT, anchor: 'gamma.org' }, 'INVALID_ARGUMENT'],
    ['no kind', { ...DEPLOYMENT, kind: '' }, 'INVALID_ARGUMENT'],
    ['no revocation mode', { ...DEPLOYMENT, revocationMode: '' }, 'INVALID_ARGUMENT'],
    ['the mode log of an OAuth server', { ...NONE, revocationMode: 'log', actsAs: OPERATOR }, 'INVALID_ARGUMENT'],
    ['introspection of another deployment', { ...DEPLOYMENT, revocationMode: 'introspection' }, 'INVALID_ARGUMENT'],
    ['no algorithm of an OAuth server', { ...NONE, algorithms: [] }, 'INVALID_ALGORITHM'],
    ['the algorithm none', { ...NONE, algorithms: ['none'] }, 'INVALID_ALGORITHM'],
    ['a symmetric algorithm', { ...NONE, algorithms: ['RS256', 'HS256'] }, 'INVALID_ALGORITHM'],
    ['an algorithm twice', { ...NONE, algorithms: ['RS256', 'RS256'] }, 'INVALID_ALGORITHM'],
    ['another token type of a deployment', { ...DEPLOYMENT, tokenType: 'JWT' }, 'INVALID_ARGUMENT'],
    ['a token type with white space', { ...NONE, tokenType: 'at jwt' }, 'INVALID_ARGUMENT'],
    ['a lifetime of 301 s without revocations', { ...NONE, maxTokenTtl: 301 }, 'INVALID_ARGUMENT'],
    ['a lifetime of 3601 s', { ...INTROSPECTION, maxTokenTtl: 3601 }, 'INVALID_ARGUMENT'],
    ['a negative lifetime', { ...NONE, maxTokenTtl: -1 }, 'INVALID_ARGUMENT'],
    ['a staleness of 1999 ms', { ...NONE, maxStalenessMs: 1999 }, 'INVALID_ARGUMENT'],
    ['a staleness of 60001 ms', { ...NONE, maxStalenessMs: 60_001 }, 'INVALID_ARGUMENT'],
    ['an id with the mode none', { ...NONE, actsAs: 'alpha' }, 'INVALID_ARGUMENT'],
    ['a secret with the mode none', { ...NONE, secret: 'x' }, 'INVALID_ARGUMENT'],
    ['an endpoint with the mode none', { ...NONE, introspectionUri: 'https://idp.beta.io/' }, 'INVALID_ARGUMENT'],
    ['no operator with the mode log', { ...LOG, actsAs: '' }, 'INVALID_ARGUMENT'],
    ['no private key with the mode log', LOG, 'INVALID_SIGNING_KEY'],
    ['no client id', { ...INTROSPECTION, actsAs: '' }, 'INVALID_ARGUMENT'],
    ['a client secret with a line end', { ...INTROSPECTION, secret: 'a\nb' }, 'INVALID_ARGUMENT'],
    ['no introspection endpoint', { ...INTROSPECTION, introspectionUri: '' }, 'INVALID_ARGUMENT'],
    ['an id with the mode status_list', { ...LISTED, actsAs: 'alpha' }, 'INVALID_ARGUMENT'],
    ['a secret with the mode status_list', { ...LISTED, secret: 'x' }, 'INVALID_ARGUMENT'],
    ['lists that are 5 minutes and 1 ms old', { ...LISTED, maxStalenessMs: 300_001 }, 'INVALID_ARGUMENT'],
    ['a place of lists with the mode none', { ...NONE, statusListUri: 'https://a.io/' }, 'INVALID_ARGUMENT'],
    [
      'a place of lists of another deployment',
      { ...DEPLOYMENT, revocationMode: 'status_list', statusListUri: 'https://beta.io/' },
      'INVALID_ARGUMENT',
    ],
    ['a place of lists without a slash', { ...LISTED, statusListUri: 'https://a.io/b' }, 'INVALID_ARGUMENT'],
    ['a place of lists with a query', { ...LISTED, statusListUri: 'https://a.io/?b/' }, 'INVALID_ARGUMENT'],
    ['a place of lists with http', { ...LISTED, statusListUri: 'http://a.io/' }, 'INVALID_ARGUMENT'],
    ['a place of lists here', { ...LISTED, statusListUri: 'https://auth.alpha.net/b/' }, 'INVALID_ARGUMENT'],
    ['no domain of an OAuth server', { ...NONE, domain: '' }, 'INVALID_DOMAIN'],
    ['a public suffix as domain', { ...NONE, domain: 'co.uk' }, 'INVALID_DOMAIN'],
    ['a domain of another deployment', { ...DEPLOYMENT, domain: 'beta.io' }, 'INVALID_ARGUMENT'],
  ])('refuses %s', async (_, fields, reason) => {
    expect(await refusalOf(read(fields))).toBe(reason)
  })

  const jwk = watchJwk()
  it.each([
    ['PEM', '-----BEGIN PRIVATE KEY-----\n'],
    ['a JWKS', JSON.stringify({ keys: [jwk] })],
    ['a public key', JSON.stringify({ kty: jwk.kty, crv: jwk.crv, x: jwk.x })],
    ['a symmetric key', JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' })],
    ['halves of two keys', JSON.stringify({ ...jwk, x: watchJwk().x })],
    ['another curve', JSON.stringify({ ...jwk, crv: 'Ed448' })],
    ['a member twice', JSON.stringify(jwk).replace('{', '{"kty":"OKP",')],
  ])('refuses %s as the private key, and does not quote it', async (_, secret) => {
    const refusal = await read({ ...LOG, secret }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ reason: 'INVALID_SIGNING_KEY' })
    expect(String(refusal)).not.toContain(jwk.d)
  })
})

describe('defaultJwksUri', () => {
  it('puts one slash after the issuer', () => {
    expect(defaultJwksUri('https://idp.beta.io/')).toBe('https://idp.beta.io/.well-known/jwks.json')
  })
})
