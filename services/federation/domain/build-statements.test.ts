import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { describe, expect, it } from 'vitest'
import {
  anchorOf,
  createKey,
  type FederationKey,
  HOUR_S,
  jwksOf,
  NOW_S,
  signStatement,
} from '../../../test/support/federation/entities.ts'
import {
  authorityId,
  buildAuthorityConfiguration,
  buildIssuerConfiguration,
  buildSubordinateStatement,
  type OwnEntity,
  type StatementClaims,
  type Subordinate,
} from './build-statements.ts'
import { readChain } from './chain-shape.ts'
import { parseEntityStatement } from './entity-statement.ts'
import { verifyChain } from './verify-chain.ts'

const ISSUER = 'https://auth.example/tenant'
const AUTHORITY = 'https://auth.example/tenant/federation'
const OWN = createKey('ES256')
const TIMES = { nowS: NOW_S, lifetimeS: HOUR_S }
const METADATA = { issuer: ISSUER, token_endpoint: `${ISSUER}/oauth/token` }
const SHOWN = { ...METADATA, signed_jwks_uri: `${AUTHORITY}/signed-jwks` }
const SUBJECT: Subordinate = { entityId: ISSUER, jwks: { ...jwksOf(OWN) } }

function ownEntity(authorityHints: readonly string[] = []): OwnEntity {
  const { kid, ...members } = OWN.jwk
  const jwk = readPublicJwk(members)
  if (jwk === undefined) throw new Error('The key must be readable')
  return { issuer: ISSUER, keys: [{ kid: String(kid), alg: 'ES256', jwk }], authorityHints, ...TIMES }
}

function sign(claims: StatementClaims, signer: FederationKey = OWN): string {
  return signStatement({ signer, header: {}, claims: { ...claims } })
}

function build(subordinate: Partial<Subordinate>): StatementClaims {
  const built = buildSubordinateStatement({ ...SUBJECT, ...subordinate }, { issuer: ISSUER, ...TIMES })
  if (!built.ok) throw new Error(built.text)
  return built.claims
}

describe('the statements of this deployment', () => {
  it('are a chain from the issuer to its authority', () => {
    const texts = [
      buildIssuerConfiguration(ownEntity([AUTHORITY]), METADATA),
      build({ metadataPolicy: { oauth_authorization_server: { token_endpoint: { essential: true } } } }),
      buildAuthorityConfiguration(ownEntity()),
    ].map((claims) => sign(claims))
    const read = readChain(texts)
    if (!read.ok) throw new Error(read.text)
    expect(verifyChain(read.statements, anchorOf(authorityId(ISSUER), OWN), NOW_S)).toEqual({
      ok: true,
      chain: {
        subject: ISSUER,
        anchor: AUTHORITY,
        path: [ISSUER, AUTHORITY],
        keys: expect.any(Map),
        metadata: new Map([['oauth_authorization_server', SHOWN]]),
        iat: NOW_S,
        exp: NOW_S + HOUR_S,
        unpinned: [],
      },
    })
  })

  it('have no authority_hints if there is no superior, and no claim that verifiers refuse', () => {
    const claims = buildIssuerConfiguration(ownEntity(), METADATA)
    expect(claims).not.toHaveProperty('authority_hints')
    expect(parseEntityStatement(sign(claims))).toMatchObject({ ok: true })
  })

  it('show the endpoints of the authority, and none of the issuer', () => {
    expect(buildAuthorityConfiguration(ownEntity())['metadata']).toEqual({
      federation_entity: {
        federation_fetch_endpoint: `${AUTHORITY}/fetch`,
        federation_list_endpoint: `${AUTHORITY}/list`,
        federation_resolve_endpoint: `${AUTHORITY}/resolve`,
        federation_historical_keys_endpoint: `${AUTHORITY}/historical-keys`,
      },
    })
    expect(buildIssuerConfiguration(ownEntity(), METADATA)['metadata']).toEqual({
      oauth_authorization_server: SHOWN,
    })
  })

  it('publish keys with use and alg', () => {
    const jwks = { keys: [{ ...OWN.jwk, use: 'sig', alg: 'ES256' }] }
    expect(buildAuthorityConfiguration(ownEntity())['jwks']).toEqual(jwks)
  })
})

describe('buildSubordinateStatement', () => {
  it('builds a statement that verifiers accept', () => {
    const constraints = { max_path_length: 0, naming_constraints: { permitted: ['.example'] } }
    const metadataPolicy = { a: { b: { essential: true } } }
    expect(parseEntityStatement(sign(build({ constraints, metadataPolicy })))).toMatchObject({
      ok: true,
      statement: {
        iss: AUTHORITY,
        sub: ISSUER,
        iat: NOW_S,
        exp: NOW_S + HOUR_S,
        constraints: { maxPathLength: 0 },
        policy: new Map([['a', new Map([['b', { essential: true }]])]]),
      },
    })
  })

  it('attests usable public keys only', () => {
    const other = createKey()
    const keys = [
      { ...OWN.jwk, alg: 'ES256', use: 'sig', x5c: ['AA=='] },
      { ...other.jwk, d: 'AA' },
    ]
    expect(build({ jwks: { keys } })['jwks']).toEqual({ keys: [{ ...OWN.jwk, alg: 'ES256' }] })
  })

  it.each<[string, Partial<Subordinate>, string, string]>([
    [
      'an unusual spelling',
      { entityId: 'https://AS.example' },
      'CLAIM_MALFORMED',
      '"https://AS.example" must be the identifier of another entity',
    ],
    [
      'the authority itself',
      { entityId: AUTHORITY },
      'CLAIM_MALFORMED',
      `"${AUTHORITY}" must be the identifier of another entity`,
    ],
    [
      'no key',
      { jwks: { keys: [] } },
      'KEYS_MALFORMED',
      'jwks must be a JWK Set with at least one usable key, each with a kid of its own',
    ],
    [
      'a key without kid',
      { jwks: { keys: [{ kty: 'EC' }] } },
      'KEYS_MALFORMED',
      'jwks must be a JWK Set with at least one usable key, each with a kid of its own',
    ],
    [
      'a malformed policy',
      { metadataPolicy: { a: [] } },
      'POLICY_MALFORMED',
      'The metadata policy for "a" must be an object',
    ],
    [
      'a malformed constraint',
      { constraints: { max_path_length: -1 } },
      'CLAIM_MALFORMED',
      'max_path_length must be an integer of at least 0',
    ],
    [
      'a misspelt operator',
      { metadataPolicy: { a: { b: { subsetof: ['c'] } } } },
      'POLICY_MALFORMED',
      '"subsetof" must be one of value, add, default, one_of, subset_of, superset_of, essential',
    ],
  ])('refuses %s', (_, subordinate, rule, text) => {
    const built = buildSubordinateStatement({ ...SUBJECT, ...subordinate }, { issuer: ISSUER, ...TIMES })
    expect(built).toEqual({ ok: false, rule, text })
  })
})
