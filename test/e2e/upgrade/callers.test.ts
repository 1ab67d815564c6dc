import { afterAll, beforeAll, expect, it } from 'vitest'
import { VERSIONS } from '../../support/older-versions.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { type Stage, setStage } from './stage.ts'

const AUDIENCE = 'https://api.shop.example.com/v1'

let stage: Stage
let old: ProtocolClient
let current: ProtocolClient
let shop: OperatorParty
let acme: AgentParty
let bolt: AgentParty

beforeAll(async () => {
  stage = await setStage(VERSIONS.beforeKeyEvents)
  old = protocolClient((await stage.startOld()).baseUrl)
  shop = await provenOperator(old, stage.dns, 'shop.example.com')
  acme = await activeAgent(old, await provenOperator(old, stage.dns, 'acme.example.com'))
  bolt = await activeAgent(old, await provenOperator(old, stage.dns, 'bolt.example.com'))
  await setCallers(old, ['acme.example.com', 'bolt.example.com'])
})
afterAll(() => stage?.stop())

it('1. the migration gives the callers that the older version has listed an edge', async () => {
  current = protocolClient((await stage.startNew({})).baseUrl)
  expect(Object.keys(await edges())).toEqual(['acme.example.com', 'bolt.example.com'])
})

it('2. tokens of both versions are valid at both, and those of this version name the edge', async () => {
  const { 'acme.example.com': edge } = await edges()
  const [before, token] = [await tokenAt(old, acme), await tokenAt(current, acme)]
  expect(claimsOf(before)).not.toHaveProperty('edges')
  expect(claimsOf(token)).toMatchObject({ edges: [edge] })
  for (const each of [before, token])
    expect([await verdictAt(old, each), await verdictAt(current, each)]).toEqual(['valid', 'valid'])
})

it('3. the older version writes the list anew: the callers that are still listed keep their edges', async () => {
  const before = await edges()
  await setCallers(old, ['bolt.example.com', 'acme.example.com'])
  expect(await edges()).toEqual(before)
})

it('4. a caller that the older version removes loses the tokens of this version, and others keep theirs', async () => {
  const [gone, kept] = [await tokenAt(current, acme), await tokenAt(current, bolt)]
  await setCallers(old, ['bolt.example.com'])
  // The older version does not wait until other processes know it.
  await until(
    () => verdictAt(current, gone),
    (verdict) => verdict === 'TRUST_ENDED',
  )
  expect(await verdictAt(current, kept)).toBe('valid')
})

it('5. this version removes a caller: the older version does not know the record, and never says valid', async () => {
  const token = await tokenAt(current, bolt)
  await setCallers(current, [])
  expect(await verdictAt(current, token)).toBe('TRUST_ENDED')
  expect(await verdictAt(old, token)).not.toBe('valid')
})

const setCallers = async (at: ProtocolClient, callers: readonly string[]) => {
  const policy = { audiences: [{ audience: AUDIENCE, callers }] }
  expectStatus(200, await at.signed('PUT', `/v1/operators/${shop.id}/policy`, policy, shop))
}

async function tokenAt(at: ProtocolClient, agent: AgentParty): Promise<string> {
  return String((await issueToken(at, agent, { audience: AUDIENCE })).token)
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

async function verdictAt(at: ProtocolClient, token: string): Promise<unknown> {
  const { status, body } = await at.verify(token)
  if (status !== 200) return status
  return body.valid === true ? 'valid' : body.reason
}

async function edges(): Promise<Record<string, string>> {
  const { rows } = await stage.database.query<{ caller: string; edge: string }>(
    'SELECT caller, edge_id AS edge FROM operator_audience_callers WHERE ended_at IS NULL ORDER BY caller',
  )
  return Object.fromEntries(rows.map(({ caller, edge }) => [caller, edge]))
}
