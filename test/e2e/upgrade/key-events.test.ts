import { afterAll, beforeAll, expect, it } from 'vitest'
import { append, endOfLog, keysOfAgent, rotation } from '../../support/hand-signed-events.ts'
import { VERSIONS } from '../../support/older-versions.ts'
import { type AgentParty, newAgentParty, newKeys } from '../../support/parties.ts'
import { type Json, outcomeOf, type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import type { RunningServer } from '../../support/server.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  signedBody,
} from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { type Stage, setStage } from './stage.ts'

const DOMAIN = 'agents.example.com'
/** The time until the unknown record expires, in milliseconds. */
const FUTURE_MS = 4_000

let stage: Stage
let old: ProtocolClient
let oldServer: RunningServer
let current: ProtocolClient
let operator: OperatorParty
/** An agent that registered before the upgrade, and the token that it got then. */
let veteran: AgentParty
let veteranToken: Json

beforeAll(async () => {
  stage = await setStage(VERSIONS.beforeKeyEvents)
  oldServer = await stage.startOld()
  old = protocolClient(oldServer.baseUrl)
  operator = await provenOperator(old, stage.dns, DOMAIN)
  veteran = await activeAgent(old, operator)
  veteranToken = await issueToken(old, veteran)
})
afterAll(() => stage?.stop())

it('1. this version migrates the database beside the older version, and every token stays valid', async () => {
  const server = await stage.startNew({})
  current = protocolClient(server.baseUrl)
  expect(server.logs()).toContain('"migration":"20261127100000_key_events_and_manifests","msg":"migration applied"')
  for (const at of [old, current]) expect(await isValid(at, veteranToken)).toBe(true)
  for (const at of [old, current]) expect(await isValid(at, await issueToken(at, veteran))).toBe(true)
})

it('2. an agent from before the upgrade has a recorded inception', async () => {
  const { events } = expectStatus(200, await current.get(`/v1/agent/${veteran.did}/events`))
  expect(events).toMatchObject([{ seq: 0, type: 'inception' }])
})

it('3. an agent that the older version registers after the migration can rotate its key', async () => {
  const agent = await activeAgent(old, operator)
  await append(current, agent.did, rotation(await endOfLog(current, agent.did), keysOfAgent(agent), newKeys()))
  expect((await endOfLog(current, agent.did)).seq).toBe(1)
})

it('4. the older version refuses the old key and its tokens at once, and accepts the new key', async () => {
  const late = signedBody(veteran, expectStatus(200, await old.challenge(veteran.did)))
  const keys = newKeys()
  await append(current, veteran.did, rotation(await endOfLog(current, veteran.did), keysOfAgent(veteran), keys))
  expect(outcomeOf(await old.token(late))).toBe('401 INVALID_SIGNATURE')
  for (const at of [old, current]) expect(await isValid(at, veteranToken)).toBe(false)
  veteran = { ...newAgentParty(DOMAIN, keys), did: veteran.did }
  for (const at of [old, current]) expect(await isValid(current, await issueToken(at, veteran))).toBe(true)
})

it('5. a suspension and a policy of the older version hold in this version', async () => {
  const token = await issueToken(current, veteran)
  expectStatus(200, await old.suspendAgent(operator.id, veteran.did, operator))
  expect(await isValid(current, token)).toBe(false)
  expectStatus(200, await old.reactivateAgent(operator.id, veteran.did, operator))
  expect(await isValid(old, await issueToken(current, veteran))).toBe(true)
})

it('6. the older version starts on the migrated database, which allows a downgrade', async () => {
  expect(await oldServer.stop()).toBe(0)
  await oldServer.restart()
  expect(oldServer.logs()).toContain('the database was migrated by a newer version')
  expect(await isValid(old, await issueToken(old, veteran))).toBe(true)
})

it.each(['issuer', 'edge'])(
  '7. a log record of the kind %s makes the older version answer 503 until the record expires, and not this version',
  async (kind) => {
    const { token } = await issueToken(current, veteran)
    const expiry = Date.now() + FUTURE_MS
    await stage.database.query("SELECT append_revocation($1, NULL, 'x', 1, $2)", [kind, new Date(expiry)])
    const ask = async (at: ProtocolClient) => {
      const answer = await at.verify(token)
      return answer.body.valid === true ? 'valid' : outcomeOf(answer)
    }
    await until(
      () => ask(old),
      (answer) => answer === '503 UNAVAILABLE',
    )
    expect(await ask(current)).toBe('valid')
    await until(
      () => ask(old),
      (answer) => answer === 'valid',
    )
    expect(Date.now()).toBeGreaterThanOrEqual(expiry)
  },
)

async function isValid(at: ProtocolClient, { token }: Json): Promise<boolean> {
  return expectStatus(200, await at.verify(token)).valid === true
}
