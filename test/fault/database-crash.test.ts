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
const CRASHES = 2

let postgres: OwnPostgres
let deployment: Deployment
let client: ProtocolClient
let operator: OperatorParty
let load: Load
let last: { readonly agent: AgentParty; readonly token: unknown }
let crashedAt: number

beforeAll(async () => {
  postgres = await startOwnPostgres()
  deployment = await startDeployment({ databaseUrl: postgres.url })
  client = deployment.client
  operator = await provenOperator(client, deployment.dns, 'agents.example.com')
  load = await startLoad(() => client, operator, AGENTS)
})
afterAll(async () => {
  await load?.stop().catch(() => undefined)
  await deployment?.stop()
  await postgres?.remove()
})

for (let crash = 1; crash <= CRASHES; crash += 1) {
  it(`${crash}. PostgreSQL crashes under load right after a suspension was answered`, async () => {
    const enough = load.told.issued.length + 40
    await until(
      async () => load.told.issued.length,
      (issued) => issued >= enough,
    )
    const agent = await activeAgent(client, operator)
    last = { agent, token: (await issueToken(client, agent)).token }
    expectStatus(200, await client.suspendAgent(operator.id, agent.did, operator))
    crashedAt = performance.now()
    await postgres.crash()
    await until(
      async () => load.waiting(),
      (waiting) => waiting === AGENTS,
    )
    expect(longestRefusal(load.told, crashedAt)).toBeLessThan(WITHIN_MS)
  })

  it(`${crash}. every call that needs the database gets 503 in time, and an ended token is never valid`, async () => {
    expect(await expectUnavailable(client, operator, last)).not.toContain(true)
  })

  it(`${crash}. the same process recovers by itself`, async () => {
    await postgres.restart()
    await until(
      () => client.get('/ready'),
      ({ status }) => status === 200,
    )
    expect(expectStatus(200, await client.verify(last.token))).toMatchObject({
      valid: false,
      reason: 'AGENT_TOKENS_ENDED',
    })
    expect((await client.getAgent(last.agent.did)).body).toMatchObject({ status: 'suspended' })
    const before = load.told.issued.length
    load.resume()
    await until(
      async () => load.told.issued.length,
      (issued) => issued > before + AGENTS,
    )
  })
}

it('no answered call is lost, and no challenge is redeemed twice', async () => {
  await load.stop()
  await expectPromisesKept(client, deployment.databaseUrl, load.told)
  await expectAtMostOnce(client, load.told.unanswered)
  expect(internalFaults(deployment.server.logs())).toEqual([])
  expect([...load.told.refusals]).toEqual(['503 UNAVAILABLE'])
  expect(longestRefusal(load.told, crashedAt)).toBeLessThan(WITHIN_MS)
})
