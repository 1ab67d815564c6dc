import { describe, expect, it } from 'vitest'
import { createRevocationState } from '../revocation/revocation-state.ts'
import { authorityOfToken } from './delegated-authority.ts'
import { parseDelegatedClaims } from './delegated-claims.ts'
import { readDelegatedClaims } from './delegated-token.ts'
import { formatUserClaims, parseUserClaims, type UserClaims } from './user-claims.ts'

const DID = 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227'
const OTHER = 'did:agent:acme.example:31fe31dfa154a261626bf854046fd227'
const OPERATOR = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b'
const RULE = '0190a1b2-c3d4-4e5f-8a6b-7c8d9e0f1a2c'
const IDP = 'https://idp.example'
const CLAIMS: UserClaims = {
  iss: 'https://auth.example',
  sub: 'user:alice',
  aud: ['https://api.example'],
  scope: 'read',
  operator_id: OPERATOR,
  iat: 1_790_000_000,
  nbf: 1_790_000_000,
  exp: 1_790_000_300,
  jti: 'token-1',
  client_id: DID,
  epoch: [3, 7],
  cnf: { jkt: 'A'.repeat(43) },
  edges: [RULE],
  provider: { issuer: IDP, generation: 2 },
  lineage: [],
  details: new Map(),
}

const payload = (edits: object = {}) => JSON.parse(JSON.stringify({ ...formatUserClaims(CLAIMS), ...edits }))

describe('parseUserClaims', () => {
  it('reads what formatUserClaims writes', () => {
    expect(parseUserClaims(payload())).toEqual(CLAIMS)
    expect(readDelegatedClaims(payload())).toEqual(CLAIMS)
  })

  it.each<readonly [name: string, edits: object]>([
    ['an agent as the subject', { sub: OTHER }],
    ['the agent itself as the subject', { sub: DID }],
    ['a subject without a kind', { sub: 'alice' }],
    ['a subject of the kind did', { sub: 'did:alice' }],
    ['a subject with a blank', { sub: 'user:alice smith' }],
    ['no actor', { act: undefined }],
    ['another actor', { act: { sub: OTHER } }],
    ['an actor before it', { act: { sub: DID, act: { sub: OTHER } } }],
    ['no key', { cnf: undefined }],
    ['no edges', { edges: undefined }],
    ['an empty list of edges', { edges: [] }],
    ['no provider', { a4a_user: undefined }],
    ['a provider without a generation', { a4a_user: { iss: IDP } }],
    ['a provider with a further member', { a4a_user: { iss: IDP, generation: 2, tenant: 'T' } }],
    ['a provider without a name', { a4a_user: { iss: '', generation: 2 } }],
    ['the generation 0', { a4a_user: { iss: IDP, generation: 0 } }],
    ['a lineage', { a4a_lineage: [] }],
    ['an unknown claim that begins with a4a_', { a4a_limit: 1 }],
    ['authorization details', { authorization_details: [] }],
    ['may_act', { may_act: { sub: OTHER } }],
    [
      'a token of another deployment',
      { home: { iss: IDP, jti: 'x', kid: 'A'.repeat(43), generation: 1, epoch: [1, 1] } },
    ],
    ['a client that is no DID', { client_id: 'x', act: { sub: 'x' } }],
    ['a lifetime of 301 s', { exp: 1_790_000_301 }],
  ])('refuses %s', (_, edits) => {
    expect(parseUserClaims(payload(edits))).toBeUndefined()
  })
})

it('a reader of tokens between agents refuses a token for a user', () => {
  const { a4a_user: _, ...rest } = payload()
  for (const each of [payload(), rest, { ...rest, a4a_lineage: [] }]) expect(parseDelegatedClaims(each)).toBeUndefined()
})

describe('the authority of a token for a user', () => {
  const authority = authorityOfToken({ claims: CLAIMS, kid: 'key-1' })

  it('has the user as principal, and the agent as its only party', () => {
    expect(authority).toMatchObject({ principal: 'user:alice', identityProvider: IDP, jkt: 'A'.repeat(43) })
    expect(authority.parties).toEqual([
      { did: DID, operatorId: OPERATOR, epoch: [3, 7], id: 'token-1', kid: 'key-1', exp: CLAIMS.exp },
    ])
    const audience = ['https://api.example']
    expect(authority.checkCapabilities({ audience, scope: ['read'] })).toBeUndefined()
    expect(authority.checkCapabilities({ audience, scope: ['write'] })).toMatchObject({ reason: 'CAPABILITY_MISSING' })
  })

  it.each([
    ['UNKNOWN_KEY', 'key', '', 'key-1', 0],
    ['TOKEN_REVOKED', 'token', OPERATOR, 'token-1', 0],
    ['OPERATOR_TOKENS_ENDED', 'deployment', '', '', 8],
    ['OPERATOR_TOKENS_ENDED', 'operator', OPERATOR, '', 8],
    ['AGENT_TOKENS_ENDED', 'agent', OPERATOR, DID, 4],
    ['ISSUER_DISABLED', 'issuer', '', IDP, 3],
    ['TRUST_ENDED', 'edge', '', RULE, 0],
    [undefined, 'issuer', '', IDP, 2],
    [undefined, 'issuer', '', `${IDP}/`, 3],
    [undefined, 'agent', OPERATOR, OTHER, 4],
    [undefined, 'edge', '', OPERATOR, 0],
  ])('is %s after a record of the kind %s', (verdict, kind, operatorId, subject, minimumEpoch) => {
    const state = createRevocationState()
    state.apply({ sequence: 1, kind, operatorId, subject, minimumEpoch })
    const found = authority.lookups().map(({ token }) => state.lookup(token))
    expect(found).toEqual([verdict])
  })
})
