import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../support/deployment.ts'
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts'
import type { AgentParty } from '../support/parties.ts'
import type { ProtocolClient } from '../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../support/story.ts'
import { until } from '../support/until.ts'
import { type Load, startLoad } from './load.ts'
import { expectAtMostOnce, expectPromisesKept } from './promises.ts'
import { expectUnavailable, internalFaults, longestRefusal, WITHIN_MS } from './unavailable.ts'

const AGENTS = 8

let postgres: OwnPostgres
let deployment: Deployment
let client: ProtocolClient
let operator: OperatorParty
let load: Load
let last: { readonly agent: AgentParty; readonly token: unknown }
/**
 * A token that no call ends. The test needs one because the frozen database may execute calls when it continues, even
 * calls whose callers no longer wait.
 */
let untouched: unknown
let frozenAt: number

/**
 * Starts a database that the test can freeze. A frozen database keeps its connections but never answers, like a
 * database behind a network that drops packets.
 */
beforeAll(async () => {
  postgres = await startOwnPostgres()
  deployment = await startDeployment({ databaseUrl: postgres.url })
  client = deployment.client
  operator = await provenOperator(client, deployment.dns, 'agents.example.com')
  const agent = await activeAgent(client, operator)
  last = { agent, token: (await issueToken(client, agent)).token }
  const other = await provenOperator(client, deployment.dns, 'others.example.com')
  untouched = (await issueToken(client, await activeAgent(client, other))).token
  load = await startLoad(() => client, operator, AGENTS)
})
afterAll(async () => {
  postgres?.thaw()
  await load?.stop().catch(() => undefined)
  await deployment?.stop()
  await postgres?.remove()
})

it('1. when the database freezes under load, every call gets 503 in time', async () => {
  await until(
    async () => load.told.issued.length,
    (issued) => issued >= 40,
  )
  await postgres.freeze()
  frozenAt = performance.now()
  await until(
    async () => load.waiting(),
    (waiting) => waiting === AGENTS,
  )
  await expectUnavailable(client, operator, last)
})

it('2. the same process recovers by itself when the database continues', async () => {
  postgres.thaw()
  await until(
    () => client.get('/ready'),
    ({ status }) => status === 200,
  )
  expect(expectStatus(200, await client.verify(untouched))).toMatchObject({ valid: true })
  const before = load.told.issued.length
  load.resume()
  await until(
    async () => load.told.issued.length,
    (issued) => issued > before + AGENTS,
  )
})

it('3. no answered call is lost, and no challenge is redeemed twice', async () => {
  await load.stop()
  await expectPromisesKept(client, deployment.databaseUrl, load.told)
  await expectAtMostOnce(client, load.told.unanswered)
  expect(internalFaults(deployment.server.logs())).toEqual([])
  expect([...load.told.refusals]).toEqual(['503 UNAVAILABLE'])
  expect(longestRefusal(load.told, frozenAt)).toBeLessThan(WITHIN_MS)
})
