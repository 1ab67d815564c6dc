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

const USER_OPERATOR = '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2d'
const URL_CLIENT = 'https://client.example/oauth/client.json'
/** The user stands under an operator, and an agent of another one acts. */
const BY_AGENT: UserClaims = { ...CLAIMS, user: { operatorId: USER_OPERATOR, epoch: [4, 2] } }
const { cnf: _cnf, ...UNBOUND } = CLAIMS
/** The user stands under an operator, and a program acts that is no agent. */
const BY_PROGRAM: UserClaims = {
  ...UNBOUND,
  client_id: URL_CLIENT,
  operator_id: USER_OPERATOR,
  epoch: [4, 2],
  user: { operatorId: USER_OPERATOR, epoch: [4, 2] },
}

describe('parseUserClaims', () => {
  it.each([
    ['a user of a rule', CLAIMS],
    ['a user of an operator, for whom an agent acts', BY_AGENT],
    ['a user of an operator, for whom a program acts', BY_PROGRAM],
    ['a program with a key', { ...BY_PROGRAM, cnf: { jkt: 'A'.repeat(43) } }],
    ['a registered client', { ...BY_PROGRAM, client_id: `reg_${'a'.repeat(16)}` }],
    ['a user with a passkey', { ...BY_PROGRAM, sub: `team:${'A'.repeat(43)}` }],
  ])('reads what formatUserClaims writes: %s', (_, claims) => {
    const written = JSON.parse(JSON.stringify(formatUserClaims(claims)))
    expect(parseUserClaims(written)).toEqual(claims)
    expect(readDelegatedClaims(written)).toEqual(claims)
  })

  const vouched = { iss: IDP, generation: 2, operator_id: USER_OPERATOR, epoch: [4, 2] }
  it.each<readonly [name: string, edits: object]>([
    ['an operator of another than the user', { operator_id: OPERATOR }],
    ['another epoch than that of the user', { epoch: [3, 2] }],
    ['another epoch than that of the operator', { epoch: [4, 3] }],
    ['a user without an epoch', { a4a_user: { iss: IDP, generation: 2, operator_id: USER_OPERATOR } }],
    ['a user without an operator', { a4a_user: { iss: IDP, generation: 2, epoch: [4, 2] } }],
    ['a user under no operator', { a4a_user: { iss: IDP, generation: 2 } }],
    ['the epoch 0', { epoch: [0, 2], a4a_user: { ...vouched, epoch: [0, 2] } }],
    ['an operator that is no UUID', { operator_id: 'x', a4a_user: { ...vouched, operator_id: 'x' } }],
    ['a further member about the user', { a4a_user: { ...vouched, groups: ['admin'] } }],
    ['results of attestation', { attestation: [{ attestor: 'boot', type: 'tpm', level: 'hardware', at: CLAIMS.iat }] }],
    ['an added key', { agent_key: 'A'.repeat(43) }],
    ['an agent without a key', { client_id: DID, act: { sub: DID } }],
    ['a client of another kind', { client_id: 'shop', act: { sub: 'shop' } }],
    ['a client that is a user', { client_id: 'user:alice', act: { sub: 'user:alice' } }],
    ['an actor that is not the client', { act: { sub: 'https://other.example/client.json' } }],
  ])('refuses a token of a program with %s', (_, edits) => {
    const written = JSON.parse(JSON.stringify({ ...formatUserClaims(BY_PROGRAM), ...edits }))
    expect(parseUserClaims(written)).toBeUndefined()
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

describe('the authority of a token for a user of an operator', () => {
  const endings = [
    ['UNKNOWN_KEY', 'key', '', 'key-1', 0],
    ['TOKEN_REVOKED', 'token', USER_OPERATOR, 'token-1', 0],
    ['OPERATOR_TOKENS_ENDED', 'deployment', '', '', 8],
    ['OPERATOR_TOKENS_ENDED', 'operator', USER_OPERATOR, '', 3],
    ['AGENT_TOKENS_ENDED', 'agent', USER_OPERATOR, 'user:alice', 5],
    ['ISSUER_DISABLED', 'issuer', '', IDP, 3],
    ['TRUST_ENDED', 'edge', '', RULE, 0],
  ] as const
  const ofAgent = [
    ['TOKEN_REVOKED', 'token', OPERATOR, 'token-1', 0],
    ['OPERATOR_TOKENS_ENDED', 'operator', OPERATOR, '', 8],
    ['AGENT_TOKENS_ENDED', 'agent', OPERATOR, DID, 4],
  ] as const
  const others = [
    [undefined, 'agent', USER_OPERATOR, 'user:bob', 9],
    [undefined, 'agent', USER_OPERATOR, 'user:alice', 4],
    [undefined, 'operator', USER_OPERATOR, '', 2],
  ] as const

  const rows = [
    ...[...endings, ...others].map((row) => ({ name: 'a program', claims: BY_PROGRAM, row })),
    ...[...endings, ...ofAgent, ...others].map((row) => ({ name: 'an agent', claims: BY_AGENT, row })),
  ]
  it.each(rows)('for whom $name acts, $row', ({ claims, row }) => {
    const [verdict, kind, operatorId, subject, minimumEpoch] = row
    const state = createRevocationState()
    state.apply({ sequence: 1, kind, operatorId, subject, minimumEpoch })
    const found = authorityOfToken({ claims, kid: 'key-1' })
      .lookups()
      .map(({ token }) => state.lookup(token))
    expect(found.find((each) => each !== undefined)).toBe(verdict)
  })

  it('has the user as a party, and a program is none', () => {
    const party = { did: 'user:alice', operatorId: USER_OPERATOR, epoch: [4, 2], id: 'token-1', kid: 'key-1' }
    const program = authorityOfToken({ claims: BY_PROGRAM, kid: 'key-1' })
    expect(program).toMatchObject({ principal: 'user:alice', actor: URL_CLIENT, userOperatorId: USER_OPERATOR })
    expect(program).toMatchObject({ jkt: undefined, agents: [], parties: [party] })
    const agent = authorityOfToken({ claims: BY_AGENT, kid: 'key-1' })
    expect(agent).toMatchObject({ principal: 'user:alice', actor: DID, userOperatorId: USER_OPERATOR })
    expect(agent.parties.map(({ did }) => did)).toEqual(['user:alice', DID])
    expect(agent.agents.map(({ did }) => did)).toEqual([DID])
  })
})
