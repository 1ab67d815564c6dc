import { authorityOfChain, authorityOfToken } from '@auth4agent/core/delegation/delegated-authority'
import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { UNCONSTRAINED } from '@auth4agent/core/delegation/parse-capabilities'
import type { UserClaims } from '@auth4agent/core/delegation/user-claims'
import type { HomeToken } from '@auth4agent/core/token/claims'
import { describe, expect, it } from 'vitest'
import { askCheck, CLAIMS, ROUTE } from '../../../test/support/envoy/ask-check.ts'
import type { Verified } from './caller-facts.ts'

const AGENT = CLAIMS.sub
const ACTOR = 'did:agent:c.example:21fe31dfa154a261626bf854046fd227'
const OPERATORS = ['aaaaaaaa-1111-8111-8111-111111111111', 'cccccccc-1111-8111-8111-111111111111'] as const

const asking = (verified: Verified, route: Record<string, string> = ROUTE) => askCheck({}, route, async () => verified)

/** A token of another issuer, with what the statements allow here. */
const foreign = (kind: 'auth4agent' | 'oauth', claims: Partial<typeof CLAIMS> = {}) => ({
  valid: true as const,
  claims: { ...CLAIMS, iss: 'https://other.example', scope: 'theirs', epoch: [], ...claims },
  trust: {
    issuer: { kind, mode: 'log' as const },
    trusted: { scopes: ['read'], audience: 'https://b.example', edges: ['edge-1'] },
  },
})

const CAPABILITIES = new Map(
  ['https://b.example#read', 'https://b.example#write', 'https://d.example#admin'].map((text) => [text, UNCONSTRAINED]),
)
const hop = (did: string, operatorId: string, depth: number): Hop => ({
  did,
  operatorId,
  epoch: [1, 1],
  kid: 'key-1',
  id: `grant-of-${did}`,
  jti: `jti-of-${did}`,
  publicJwk: { kty: 'OKP', crv: 'Ed25519', x: '' },
  jkt: 'k',
  depth,
  maxDepth: 8,
  capabilities: CAPABILITIES,
  allowedDomains: [],
  statement: undefined,
  iat: 1,
  exp: 99,
})
/** A chain of grants. */
const chain = (hops: readonly Hop[] = [hop(AGENT, OPERATORS[0], 0), hop(ACTOR, OPERATORS[1], 1)]) => ({
  valid: true as const,
  authority: authorityOfChain({ issuer: 'https://auth.example', hops }),
})
/** A token with which the agent acts for a user whom a rule of the administrator maps. */
const FOR_USER: UserClaims = {
  ...CLAIMS,
  sub: 'user:alice',
  client_id: ACTOR,
  operator_id: OPERATORS[1],
  cnf: { jkt: 'k' },
  edges: ['edge-1'],
  provider: { issuer: 'https://idp.example', generation: 1 },
  lineage: [],
  details: new Map(),
}
const forUser = (claims: UserClaims) => ({
  valid: true as const,
  authority: authorityOfToken({ claims, kid: 'key-1' }),
})

describe('the API is told', () => {
  it('about a chain of grants: who acts for whom, and only the scope that the route demands', async () => {
    const { headers, removed, metadata } = await asking(chain())
    expect(headers).toEqual({
      'x-auth4agent-issuer': 'https://auth.example',
      'x-auth4agent-subject': AGENT,
      'x-auth4agent-operator': OPERATORS[0],
      'x-auth4agent-domain': 'a.example',
      'x-auth4agent-scope': 'read',
      'x-auth4agent-actor': ACTOR,
      'x-auth4agent-jti': `grant-of-${ACTOR}`,
      'x-auth4agent-expires': '99',
    })
    expect(removed).toEqual([])
    expect(metadata).toMatchObject({ sub: AGENT, act: { sub: ACTOR }, scope: 'read', cnf: { jkt: 'k' } })
    expect(JSON.stringify(metadata)).not.toContain('d.example')
  })

  it('about each route the scope of this route, if one chain is used at several', async () => {
    const shared = chain()
    const scopes = ['read', 'write', 'read'].map(async (scope) => (await asking(shared, { ...ROUTE, scope })).headers)
    expect((await Promise.all(scopes)).map((headers) => headers['x-auth4agent-scope'])).toEqual([
      'read',
      'write',
      'read',
    ])
  })

  it('about a root grant that its holder acts itself', async () => {
    const { removed } = await asking(chain([hop(AGENT, OPERATORS[0], 0)]))
    expect(removed).toContain('x-auth4agent-actor')
  })

  it('about a delegated token of a user: the user, and the agent with its operator', async () => {
    const { headers } = await asking(forUser(FOR_USER))
    expect(headers).toMatchObject({
      'x-auth4agent-subject': 'user:alice',
      'x-auth4agent-operator': OPERATORS[1],
      'x-auth4agent-domain': 'c.example',
      'x-auth4agent-scope': 'read',
      'x-auth4agent-actor': ACTOR,
      'x-auth4agent-jti': CLAIMS.jti,
    })
  })

  it('about a token of a program for a user of an operator: the user with its operator, and the program', async () => {
    const client = 'https://client.example/client.json'
    const { cnf: _, ...unbound } = FOR_USER
    const own = {
      client_id: client,
      operator_id: OPERATORS[0],
      user: { operatorId: OPERATORS[0], epoch: CLAIMS.epoch },
    }
    const { headers, removed } = await asking(forUser({ ...unbound, ...own }))
    expect(headers).toMatchObject({
      'x-auth4agent-subject': 'user:alice',
      'x-auth4agent-operator': OPERATORS[0],
      'x-auth4agent-actor': client,
    })
    expect(removed).toContain('x-auth4agent-domain')
  })

  it('about an agent of another deployment: its scopes here, and no id of its operator', async () => {
    const { headers, removed, metadata } = await asking(foreign('auth4agent'))
    expect(headers).toMatchObject({
      'x-auth4agent-issuer': 'https://other.example',
      'x-auth4agent-subject': AGENT,
      'x-auth4agent-domain': 'a.example',
      'x-auth4agent-scope': 'read',
    })
    expect(removed).toContain('x-auth4agent-operator')
    expect(metadata).toMatchObject({ scope: 'read', trust: { edges: ['edge-1'], revocation_mode: 'log' } })
  })

  it('about a foreign token that was seen before, what the statements say now', async () => {
    const before = foreign('auth4agent')
    const trusted = { ...before.trust.trusted, scopes: ['write'] }
    expect((await asking(before)).headers['x-auth4agent-scope']).toBe('read')
    const { headers } = await asking({ ...before, trust: { ...before.trust, trusted } })
    expect(headers['x-auth4agent-scope']).toBe('write')
  })

  it('about a token for an agent of another deployment no id of its operator', async () => {
    const home: HomeToken = {
      iss: 'https://other.example',
      jti: 'x',
      kids: ['k'],
      generation: 1,
      epoch: [1, 1],
      edge: 'e',
    }
    const { headers, removed, metadata } = await asking({ valid: true, claims: { ...CLAIMS, home } })
    expect(headers).toMatchObject({ 'x-auth4agent-subject': AGENT, 'x-auth4agent-domain': 'a.example' })
    expect(removed).toContain('x-auth4agent-operator')
    expect(metadata).not.toHaveProperty('home')
  })

  it('about a subject of an OAuth server no domain', async () => {
    const { headers, removed } = await asking(foreign('oauth', { sub: 'service-7' }))
    expect(headers).toMatchObject({ 'x-auth4agent-subject': 'service-7' })
    expect(removed).toEqual(expect.arrayContaining(['x-auth4agent-domain', 'x-auth4agent-operator']))
  })
})

it.each<[string, Verified]>([
  ['an agent as the subject of an OAuth server, which has proven no domain', foreign('oauth')],
  ['another DID', foreign('oauth', { sub: 'did:web:a.example' })],
  ['a subject with a line break', foreign('oauth', { sub: 'a\nx-auth4agent-domain: a.example' })],
  ['a subject that is no ASCII', foreign('oauth', { sub: '\u0430.example' })],
  ['a subject with a space at its end', foreign('oauth', { sub: 'a ' })],
])('a token is refused if it would mislead the API: %s', async (_, verified) => {
  const answer = await asking(verified)
  expect(answer).toMatchObject({ isAllowed: false, status: 403, reason: 'CLAIM_NOT_SENDABLE', metadata: undefined })
})
