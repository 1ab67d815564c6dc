import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../support/deployment.ts'
import { type ProtocolClient, protocolClient } from '../support/protocol-client.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { type OperatorParty, provenOperator } from '../support/story.ts'
import { until } from '../support/until.ts'
import { type Load, startLoad } from './load.ts'
import { expectAtMostOnce, expectPromisesKept } from './promises.ts'

const AGENTS = 8
const CRASHES = 3

let deployment: Deployment
let server: RunningServer
let client: ProtocolClient
let operator: OperatorParty
let load: Load

beforeAll(async () => {
  deployment = await startDeployment()
  server = deployment.server
  client = deployment.client
  operator = await provenOperator(client, deployment.dns, 'agents.example.com')
  load = await startLoad(() => client, operator, AGENTS)
})
afterAll(async () => {
  await load?.stop().catch(() => undefined)
  await server?.stop()
  await deployment?.stop()
})

for (let crash = 1; crash <= CRASHES; crash += 1) {
  it(`${crash}. the server is killed under load and started again`, async () => {
    const enough = load.told.issued.length + 40
    await until(
      async () => load.told.issued.length,
      (issued) => issued >= enough,
    )
    await server.kill()
    await until(
      async () => load.waiting(),
      (waiting) => waiting === AGENTS,
    )
    server = await startServer(deployment.env)
    client = protocolClient(server.baseUrl)
    load.resume()
  })
}

it('no answered call is lost, and no challenge is redeemed twice', async () => {
  await load.stop()
  await expectPromisesKept(client, deployment.databaseUrl, load.told)
  await expectAtMostOnce(client, load.told.unanswered)
  expect([...load.told.refusals]).toEqual([])
})
