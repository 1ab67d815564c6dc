import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, type Reached, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'

const BEHIND = join(import.meta.dirname, 'behind.mjs')
const WRONG = { status: 503, body: { reason: 'UNAVAILABLE', detail: expect.stringContaining('320 s behind') } }

let deployment: Deployment
let behind: Reached
let agent: AgentParty
let token: unknown

beforeAll(async () => {
  deployment = await startDeployment()
  agent = await activeAgent(
    deployment.client,
    await provenOperator(deployment.client, deployment.dns, 'acme.example.com'),
  )
  token = (await issueToken(deployment.client, agent)).token
  behind = await deployment.add({ NODE_OPTIONS: `--import=${BEHIND}` })
})
afterAll(() => deployment?.stop())

const read = async (path: string) => {
  const answer = await fetch(`${behind.authn.baseUrl}${path}`)
  return { status: answer.status, text: await answer.text() }
}

it('1. a process whose clock is 320 s behind the database answers 503 to verifications and challenges', async () => {
  expect(await behind.client.verify(token)).toMatchObject(WRONG)
  expect(await behind.client.challenge(agent.did)).toMatchObject(WRONG)
  expect(expectStatus(200, await deployment.client.verify(token))).toMatchObject({ valid: true })
})

it('2. the process reports the wrong clock at /ready, in its metrics and in its log', async () => {
  expect(await read('/ready')).toMatchObject({ status: 503, text: expect.stringContaining('320 s behind') })
  expect((await read('/metrics')).text).toMatch(/^auth4agent_clock_agrees 0$/m)
  expect(behind.authn.logs()).toContain('the clock is wrong')
})

it('3. the process answers again after its clock is corrected', async () => {
  process.kill(behind.authn.pid, 'SIGUSR2')
  const answer = await until(
    () => behind.client.verify(token),
    ({ status }) => status === 200,
  )
  expect(answer.body).toMatchObject({ valid: true })
  expect((await read('/ready')).status).toBe(200)
})
