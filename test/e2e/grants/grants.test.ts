import type { Hop } from '@auth4agent/core/delegation/grant-types'
import { verifyHolderStatement } from '@auth4agent/core/delegation/holder-statement'
import { importKeySet } from '@auth4agent/core/jose/key-set'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifyGrantChain } from '../../../services/revocation/verify-grant-chain.ts'
import { type Deployment, ISSUER, startDeployment } from '../../support/deployment.ts'
import { DETAILS, detailsOf } from '../../support/grant-details.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type Answer, type Json, outcomeOf, type ProtocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, type OperatorParty, provenOperator, signedBody } from '../../support/story.ts'

const RACING = 8
const ROUNDS = 6

let deployment: Deployment
let db: pg.Client
let operator: OperatorParty
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2 })
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator, ['read', 'write'])
  db = new pg.Client({ connectionString: deployment.databaseUrl })
  await db.connect()
})
afterAll(async () => {
  await db?.end()
  await deployment?.stop()
})

const one = () => deployment.client
const two = () => deployment.clients[1] ?? deployment.client
const updateAgent = (client: ProtocolClient, fields: object) =>
  client.signed('PATCH', `/v1/operators/${operator.id}/agents/${agent.did}`, fields, operator)
const setPolicy = (fields: object) =>
  one().signed('PUT', `/v1/operators/${operator.id}/policy`, { audiences: [], ...fields }, operator)

/** Gets a challenge with the bound terms, and returns the signed body for IssueGrant. */
async function signedRequest(client: ProtocolClient, bound: object = {}) {
  const { did, challenge, nonce, signature } = signedBody(
    agent,
    expectStatus(200, await client.post('/v1/challenge', { did: agent.did, ...bound })),
  )
  return { did, challenge, nonce, signature, authorization_details: DETAILS }
}

const redeem = (client: ProtocolClient, body: object) => client.post('/v1/grant', body)

async function keysOf(client: ProtocolClient) {
  const set = importKeySet(expectStatus(200, await client.get('/.well-known/jwks.json')))
  const find = async (kid: string) => set?.get(kid)
  return { issuer: ISSUER, keys: { find, findNow: find } }
}

/** Verifies a grant offline with the published keys. */
async function rootOf(answer: Json): Promise<Hop> {
  const verified = await verifyGrantChain(String(answer.grant), await keysOf(two()))
  const [root] = verified.ok ? verified.chain.hops : []
  if (root === undefined) throw new Error(JSON.stringify(verified))
  return root
}

/** Tells whether the epochs of a grant or statement are still those of its agent. */
async function isCurrent({ did, epoch }: Pick<Hop, 'did' | 'epoch'>): Promise<boolean> {
  const { rows } = await db.query<{ agent: number; operator: number }>(
    `SELECT a.epoch AS agent, greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS operator
     FROM agents a JOIN operators o ON o.id = a.operator_id WHERE a.did = $1`,
    [did],
  )
  return rows[0]?.agent === epoch[0] && rows[0]?.operator === epoch[1]
}

async function statementOf(client: ProtocolClient) {
  const { statement } = expectStatus(200, await client.get(`/v1/agent/${agent.did}/holder-statement`))
  const verified = await verifyHolderStatement(String(statement), await keysOf(one()))
  if (!verified.ok) throw new Error(JSON.stringify(verified))
  return verified.statement
}

it('1. an agent gets no grant until its operator sets a delegation depth, at any server', async () => {
  expect(outcomeOf(await redeem(one(), await signedRequest(one())))).toBe('403 DELEGATION_NOT_ALLOWED')
  expect(expectStatus(200, await updateAgent(one(), { max_delegation_depth: 3 }))).toMatchObject({
    max_delegation_depth: 3,
  })
  const answer = expectStatus(200, await redeem(two(), await signedRequest(one())))
  expect(answer).toMatchObject({ max_depth: 3, expires_in: 900, delegate_to: ['agents.example.com'] })
  const root = await rootOf(answer)
  expect(root).toMatchObject({ did: agent.did, operatorId: operator.id, id: answer.grant_id, depth: 0, maxDepth: 3 })
  expect(await isCurrent(root)).toBe(true)
})

it.each<[string, string, object, object]>([
  ['too many hops', '403 DELEGATION_NOT_ALLOWED', {}, { max_depth: 4 }],
  [
    'a scope that the agent does not have',
    '403 SCOPE_NOT_ALLOWED',
    {},
    { authorization_details: detailsOf({ 'a.com#pay': {} }) },
  ],
  [
    'an unknown constraint',
    '400 UNKNOWN_CONSTRAINT',
    {},
    { authorization_details: detailsOf({ 'a.com#read': { x: { constraint_type: 'cel' } } }) },
  ],
  [
    'other capabilities than the challenge',
    '400 BINDING_MISMATCH',
    { authorization_details: detailsOf({ 'a.com#read': {} }) },
    {},
  ],
  ['a challenge for a token', '400 BINDING_MISMATCH', { scope: 'read' }, {}],
])('2. a request for %s is refused with %s, and the challenge can still be used', async (_, outcome, bound, spoilt) => {
  const body = await signedRequest(one(), bound)
  expect(outcomeOf(await redeem(two(), { ...body, ...spoilt }))).toBe(outcome)
  const isBound = Object.keys(bound).length > 0
  if (!isBound) expectStatus(200, await redeem(one(), body))
})

it('3. one of 40 parallel redemptions at two servers gets a grant', async () => {
  const body = await signedRequest(one(), { authorization_details: DETAILS, ttl: '60', max_depth: 1 })
  const attempts = Array.from({ length: 20 }, () => deployment.clients.map((client) => redeem(client, body))).flat()
  const outcomes = Object.groupBy((await Promise.all(attempts)).map(outcomeOf), String)
  const counts = Object.fromEntries(Object.entries(outcomes).map(([outcome, all]) => [outcome, all?.length]))
  expect(counts).toEqual({ '200 OK': 1, '409 CHALLENGE_USED': 39 })
  expect(outcomeOf(await one().post('/v1/token', body))).toMatch(/^400 /)
})

it('4. a narrower policy ends the grants from before, a wider one ends none', async () => {
  const steps: readonly (readonly [object, boolean])[] = [
    [{ delegate_to: ['partner.example.com'] }, true],
    [{ delegate_to: ['partner.example.com'], max_grant_ttl: 600 }, false],
    [{ delegate_to: [], max_grant_ttl: 600 }, false],
    [{ delegate_to: [], max_grant_ttl: 0 }, true],
  ]
  for (const [policy, survives] of steps) {
    const before = await rootOf(expectStatus(200, await redeem(one(), await signedRequest(two()))))
    expectStatus(200, await setPolicy(policy))
    expect(await isCurrent(before)).toBe(survives)
  }
  expectStatus(200, await setPolicy({ delegate_to: ['partner.example.com'], max_grant_ttl: 60 }))
  const root = await rootOf(expectStatus(200, await redeem(two(), await signedRequest(two()))))
  expect(root).toMatchObject({ allowedDomains: ['agents.example.com', 'partner.example.com'], exp: root.iat + 60 })
  expectStatus(200, await setPolicy({}))
})

it('5. a statement about the holder verifies offline, and both servers refuse one for a suspended agent', async () => {
  const statement = await statementOf(two())
  expect(statement).toMatchObject({ did: agent.did, operatorId: operator.id, exp: statement.iat + 3600 })
  expectStatus(200, await one().suspendAgent(operator.id, agent.did, operator))
  for (const client of deployment.clients) {
    expect(outcomeOf(await client.get(`/v1/agent/${agent.did}/holder-statement`))).toBe('403 AGENT_NOT_ACTIVE')
  }
  expectStatus(200, await two().reactivateAgent(operator.id, agent.did, operator))
  expect(await isCurrent(statement)).toBe(false)
  expect(await isCurrent(await statementOf(one()))).toBe(true)
})

it.each([
  [
    'suspended',
    () => one().suspendAgent(operator.id, agent.did, operator),
    () => two().reactivateAgent(operator.id, agent.did, operator),
  ],
  [
    'forbidden to delegate',
    () =>
      one().signed('PATCH', `/v1/operators/${operator.id}/agents/${agent.did}`, { max_delegation_depth: 0 }, operator),
    () => updateAgent(two(), { max_delegation_depth: 3 }),
  ],
])('6. grants of requests that overlap the call by which the agent is %s have old epochs', async (_, end, undo) => {
  let overlapping = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const bodies = await Promise.all(
      Array.from({ length: RACING }, (_one, index) => signedRequest(deployment.clients[index % 2] ?? one())),
    )
    const late = await signedRequest(two())
    const begin = (body: object, index: number) => redeem(deployment.clients[index % 2] ?? one(), body)
    const middle = Math.floor((bodies.length * (round + 1)) / (ROUNDS + 1))
    const racing: Promise<Answer>[] = bodies.slice(0, middle).map(begin)
    const ending = end()
    racing.push(...bodies.slice(middle).map(begin))
    expectStatus(200, await ending)
    expect(outcomeOf(await redeem(two(), late))).toMatch(/^403 /)
    const grants = (await Promise.all(racing)).filter(({ status }) => status === 200).map(({ body }) => body)
    overlapping += grants.length
    expectStatus(200, await undo())
    for (const grant of grants) expect(await isCurrent(await rootOf(grant))).toBe(false)
  }
  expect(overlapping).toBeGreaterThan(0)
})
