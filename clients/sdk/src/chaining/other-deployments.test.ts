import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeClock } from '../../../../test/support/sdk/clock.ts'
import type { Json } from '../../../../test/support/sdk/issuer.ts'
import {
  ALPHA,
  API,
  AT,
  absent,
  BETA,
  type TwoDeployments,
  twoDeployments,
} from '../../../../test/support/sdk/two-deployments.ts'
import type { Agent, AgentOptions } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import { Auth4AgentError } from '../errors.ts'
import { generateKey } from '../keys/signers.ts'

const DID = `did:agent:acme.example:${'a'.repeat(32)}`
const ORDERS = `${API}/orders`
const ORIGIN = new URL(API).origin
const key = await generateKey()

let world: TwoDeployments
let agents: Agent[]

beforeEach(() => {
  world = twoDeployments()
  agents = []
})
afterEach(() => {
  for (const agent of agents) agent.close()
})

function agentOf(otherDeployments: AgentOptions['otherDeployments'] = [BETA]): Agent {
  const own = { server: ALPHA, did: DID, key, scopes: ['read'], fetch: world.fetch }
  const agent = createAgent({ ...own, otherDeployments }, fakeClock())
  agents.push(agent)
  return agent
}

/** Calls the API, and returns why the call was refused. */
async function refusalOf(agent = agentOf(), url = ORDERS): Promise<Auth4AgentError> {
  const error = await agent.fetch(url).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Auth4AgentError) return error
  throw new Error('The call was not refused', { cause: error })
}

/** Returns the requests that took a token of the own deployment to another server. */
const leaks = () =>
  world.sent.filter(({ at, text }) => !at.startsWith(ALPHA) && world.ownTokens.some((token) => text.includes(token)))
const withToken = () => world.to(API).filter(({ authorization }) => authorization !== undefined)
const posts = () => world.sent.filter(({ at, method }) => method === 'POST' && !at.startsWith(ALPHA))

const metadata = (members: Json) => () => ({ resource: API, authorization_servers: [BETA], ...members })

describe('agent.fetch with otherDeployments', () => {
  afterEach(() => expect(leaks()).toEqual([]))

  it('sends the API a token of its deployment, which gets the grant alone', async () => {
    const agent = agentOf()
    for (let time = 0; time < 2; time += 1) expect((await agent.fetch(ORDERS)).status).toBe(200)
    expect(world.ownTokens).toHaveLength(1)
    expect(posts().map(({ at, form }) => [at, Object.keys(form).toSorted()])).toEqual([
      [AT.tokenOfBeta, ['assertion', 'client_id', 'grant_type']],
    ])
    const { token } = await agent.issuedFor(API)
    expect(withToken().map(({ authorization }) => authorization)).toEqual([`DPoP ${token}`, `DPoP ${token}`])
  })

  it.each<[string, string, AgentOptions['otherDeployments'], Json]>([
    ['UNEXPECTED_ANSWER', 'is about an API of another origin', [BETA], { resource: 'https://api.other.example/v1' }],
    ['UNEXPECTED_ANSWER', 'is about an API without TLS', [BETA], { resource: API.replace('https', 'http') }],
    [
      'DEPLOYMENT_NOT_ALLOWED',
      'names a deployment that is not in the list',
      [BETA],
      { authorization_servers: ['https://gamma.example'] },
    ],
    ['DEPLOYMENT_NOT_ALLOWED', 'adds a slash to the issuer', [BETA], { authorization_servers: [`${BETA}/`] }],
    ['DEPLOYMENT_NOT_ALLOWED', 'leaves the path out', [BETA], { authorization_servers: ['https://beta.example'] }],
    ['DEPLOYMENT_NOT_ALLOWED', 'changes the case', [BETA], { authorization_servers: [BETA.replace('auth', 'Auth')] }],
    ['DEPLOYMENT_NOT_ALLOWED', 'names no deployment', [BETA], { authorization_servers: [] }],
    ['DEPLOYMENT_NOT_ALLOWED', 'names an issuer without TLS', true, { authorization_servers: ['http://beta.example'] }],
  ])(
    'rejects with %s before it asks a deployment if the metadata of the API %s',
    async (reason, _, allowed, members) => {
      world.change(AT.metadataOfApi, metadata(members))
      expect(await refusalOf(agentOf(allowed))).toMatchObject({ reason })
      expect([...world.to(ALPHA), ...world.to(BETA), ...withToken()]).toEqual([])
    },
  )

  it.each<[string, string, Json]>([
    ['ISSUER_MISMATCH', 'an issuer with a slash at the end', { issuer: `${BETA}/` }],
    ['ISSUER_MISMATCH', 'an issuer with another path', { issuer: 'https://beta.example' }],
    ['ISSUER_MISMATCH', 'an issuer in another case', { issuer: BETA.replace('beta', 'Beta') }],
    ['ISSUER_MISMATCH', 'the issuer of the own deployment', { issuer: ALPHA }],
    ['ISSUER_MISMATCH', 'no issuer', { issuer: undefined }],
    ['UNEXPECTED_ANSWER', 'a token endpoint of another origin', { token_endpoint: 'https://other.example/token' }],
    ['UNEXPECTED_ANSWER', 'a token endpoint of another port', { token_endpoint: 'https://beta.example:444/token' }],
    ['UNEXPECTED_ANSWER', 'a token endpoint without TLS', { token_endpoint: 'http://beta.example/token' }],
    ['UNEXPECTED_ANSWER', 'a token endpoint that is a path', { token_endpoint: '/oauth/token' }],
    ['UNEXPECTED_ANSWER', 'a token endpoint with a tab', { token_endpoint: 'https://be\tta.example/token' }],
    ['UNEXPECTED_ANSWER', 'a token endpoint with three slashes', { token_endpoint: 'https:///beta.example/token' }],
    ['UNEXPECTED_ANSWER', 'no token endpoint', { token_endpoint: undefined }],
  ])('rejects with %s and keeps the grant if the metadata of the deployment has %s', async (reason, _, members) => {
    world.change(AT.metadataOfBeta, (good) => ({ ...good, ...members }))
    const { message, reason: found } = await refusalOf()
    expect([found, message.startsWith(`At ${BETA}: `)]).toEqual([reason, true])
    expect([...posts(), ...withToken()]).toEqual([])
  })

  it.each<[string, Json]>([
    ['another issuer', { iss: 'https://gamma.example' }],
    ['another agent', { sub: `did:agent:acme.example:${'b'.repeat(32)}` }],
    ['another deployment', { aud: 'https://gamma.example' }],
    ['two deployments', { aud: [BETA, 'https://gamma.example'] }],
    ['another API', { resource: 'https://api.other.example/v1' }],
    ['another key', { cnf: { jkt: 'another' } }],
    ['no key', { cnf: undefined }],
  ])('asks no other deployment if the own one answers with a grant for %s', async (_, claims) => {
    world.changeClaims(AT.tokenOfAlpha, (good) => ({ ...good, ...claims }))
    expect(await refusalOf()).toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    expect([...world.to(BETA), ...withToken()]).toEqual([])
  })

  it('asks no other deployment if the own one answers with a token that is no grant', async () => {
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    world.change(AT.tokenOfAlpha, (good) => ({ ...good, issued_token_type: type }))
    expect(await refusalOf()).toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    expect([...world.to(BETA), ...withToken()]).toEqual([])
  })

  it.each<[string, Json]>([
    ['of another issuer', { iss: ALPHA }],
    ['for another agent', { sub: `did:agent:acme.example:${'b'.repeat(32)}` }],
    ['for another audience', { aud: ['https://api.other.example/v1'] }],
    ['for a second audience', { aud: [API, 'https://api.other.example/v1'] }],
    ['that is not bound', { cnf: undefined }],
    ['that is bound to another key', { cnf: { jkt: 'another' } }],
    ['that lives for more than an hour', { exp: Math.floor(Date.now() / 1_000) + 4_000 }],
    ['with which another agent may act', { may_act: { sub: DID } }],
  ])('sends the API nothing if its deployment answers with a token %s', async (_, claims) => {
    world.changeClaims(AT.tokenOfBeta, (good) => ({ ...good, ...claims }))
    expect(await refusalOf()).toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    expect(withToken()).toEqual([])
  })

  it.each<[string, Json]>([
    ['a token of the type Bearer', { token_type: 'Bearer' }],
    ['a token of the type N_A', { token_type: 'N_A' }],
    ['a token without a type', { token_type: undefined }],
    ['no token', { access_token: undefined }],
    ['a text that is no token', { access_token: 'a.b' }],
  ])('sends the API nothing if its deployment answers with %s', async (_, members) => {
    world.change(AT.tokenOfBeta, (good) => ({ ...good, ...members }))
    expect(await refusalOf()).toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    expect(withToken()).toEqual([])
  })

  it('says which deployment refused the grant, and sends the API nothing', async () => {
    const problem = { reason: 'TRUST_NOT_FOUND', detail: 'No path of statements' }
    world.change(AT.tokenOfBeta, () => Response.json(problem, { status: 403 }))
    expect(await refusalOf()).toMatchObject({
      reason: 'TRUST_NOT_FOUND',
      status: 403,
      message: expect.stringMatching(`^At ${BETA}: No path of statements: the owner of the API must sign`),
    })
    expect(withToken()).toEqual([])
  })

  it('gets one token for each of two APIs of a deployment, and sends each to its own API', async () => {
    const agent = agentOf()
    const other = `${ORIGIN}/v2`
    await Promise.all([ORDERS, `${other}/orders`, ORDERS].map((url) => agent.fetch(url)))
    const [one, two] = [await agent.issuedFor(API), await agent.issuedFor(other)]
    expect([one.audience, two.audience]).toEqual([[API], [other]])
    const seen = new Set(withToken().map(({ at, authorization }) => `${at} ${authorization}`))
    expect(seen).toEqual(new Set([`${ORDERS} DPoP ${one.token}`, `${other}/orders DPoP ${two.token}`]))
    expect(posts()).toHaveLength(2)
  })

  it('asks its own server for the second deployment of an API if it may not go to the first', async () => {
    const gamma = 'https://gamma.example'
    world.change(AT.metadataOfApi, metadata({ authorization_servers: [gamma, BETA] }))
    world.change(AT.tokenOfAlpha, (good) => {
      if (world.sent.at(-1)?.form['audience'] !== gamma) return good
      return Response.json({ reason: 'AUDIENCE_NOT_ALLOWED' }, { status: 403 })
    })
    expect((await agentOf(true).fetch(ORDERS)).status).toBe(200)
    expect(world.to(gamma)).toEqual([])
  })

  it('gets a new own token after its own server has refused the one that it kept', async () => {
    const agent = agentOf()
    world.change(AT.tokenOfAlpha, () => Response.json({ reason: 'TOKEN_REVOKED' }, { status: 400 }))
    expect(await refusalOf(agent)).toMatchObject({ reason: 'TOKEN_REVOKED' })
    world.change(AT.tokenOfAlpha, (good) => good)
    await agent.fetch(`${ORIGIN}/v2/orders`)
    expect(world.ownTokens).toHaveLength(2)
  })
})

describe('agent.fetch with otherDeployments, to an API of the own deployment', () => {
  it.each<[string, () => Json | Response]>([
    ['its metadata names the own deployment', metadata({ authorization_servers: [BETA, ALPHA] })],
    ['it has no metadata', absent],
  ])('sends the own token, and asks no other deployment, if %s', async (_, answer) => {
    world.change(AT.metadataOfApi, answer)
    expect((await agentOf(true).fetch(ORDERS)).status).toBe(200)
    expect(withToken().map(({ at, authorization }) => [at, authorization])).toEqual([
      [ORDERS, `Bearer ${world.ownTokens[0]}`],
    ])
    expect(world.to(BETA)).toEqual([])
  })
})

describe('createAgent with otherDeployments', () => {
  it.each<[string, Partial<AgentOptions>]>([
    ['an empty list', { otherDeployments: [] }],
    ['an issuer with a slash at the end', { otherDeployments: [BETA, `${BETA}/`] }],
    ['an issuer without TLS', { otherDeployments: ['http://beta.example'] }],
    ['a grant, which is for one deployment', { otherDeployments: true, grant: 'grant' }],
  ])('throws TypeError for %s', (_, options) => {
    expect(() => createAgent({ server: ALPHA, did: DID, key, ...options })).toThrow(/^otherDeployments must be/)
  })

  it.each<[string, (agent: Agent, url: string) => Promise<unknown>]>([
    ['fetch', (agent, url) => agent.fetch(url)],
    ['issuedFor', (agent, url) => agent.issuedFor(url)],
  ])('%s sends nothing to an address without TLS', async (_, call) => {
    const refused = call(agentOf(), API.replace('https', 'http'))
    await expect(refused).rejects.toMatchObject({ reason: 'INSECURE_ADDRESS' })
    expect(world.sent).toEqual([])
  })

  it('rejects without scopes, and for an API of the own deployment, before it asks for a grant', async () => {
    await expect(agentOf().issuedFor(API, { scopes: [] })).rejects.toThrow(/^scopes must not be empty/)
    world.change(AT.metadataOfApi, absent)
    await expect(agentOf().issuedFor(API)).rejects.toMatchObject({ reason: 'UNEXPECTED_ANSWER' })
    expect(world.to(ALPHA)).toEqual([])
  })
})
