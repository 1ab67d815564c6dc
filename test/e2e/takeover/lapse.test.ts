import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { Json, ProtocolClient } from '../../support/protocol-client.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  signedChallenge,
} from '../../support/story.ts'
import { until } from '../../support/until.ts'

const DOMAIN = 'agents.example.com'
const NAME = `_auth4agents.${DOMAIN}`

let deployment: Deployment
let client: ProtocolClient
let operator: OperatorParty
let agent: AgentParty
let issued: Json

beforeAll(async () => {
  const env = {
    AUTH4AGENT_PROOF_INTERVAL: '1s',
    AUTH4AGENT_SCHEDULE_INTERVAL: '1s',
    AUTH4AGENT_PROOF_FAILURES: '2',
    AUTH4AGENT_DNS_TIMEOUT: '1s',
  }
  deployment = await startDeployment({ env })
  client = deployment.client
  operator = await provenOperator(client, deployment.dns, DOMAIN)
  agent = await activeAgent(client, operator)
  issued = await issueToken(client, agent)
})
afterAll(() => deployment?.stop())

const statusIs = (status: string) =>
  until(
    () => client.getOperator(operator.id),
    ({ body }) => body.status === status,
  )

it('1. the schedule looks again, and resolvers in trouble end nobody', async () => {
  const asked = deployment.dns.asked.length
  deployment.dns.fail(NAME, 'SERVFAIL')
  // A resolver asks a failing server more than once; three looks of the schedule are more than two clear failures take.
  await until(
    async () => deployment.logs(),
    (logs) => (logs.match(/"verdict":"unavailable"/g) ?? []).length >= 3,
  )
  expect(deployment.dns.asked.length).toBeGreaterThan(asked)
  expect((await client.getOperator(operator.id)).body).toMatchObject({ status: 'active' })
  expect(expectStatus(200, await client.verify(issued.token))).toMatchObject({ valid: true })
})

it('2. the operator lapses once its record is gone: no new tokens, and outstanding ones end', async () => {
  deployment.dns.setTxt(NAME, [])
  await statusIs('lapsed')
  // No call of anybody's did this, so there is none whose return promises it.
  await until(
    () => client.verify(issued.token),
    ({ body }) => body.valid === false && body.reason === 'OPERATOR_TOKENS_ENDED',
  )
  expect(await client.token(await signedChallenge(client, agent))).toMatchObject({
    status: 403,
    body: { reason: 'AGENT_OPERATOR_NOT_ACTIVE', error: 'agent is not active' },
  })
})

it('3. it is active again on the next success, which revives no token', async () => {
  const { txt_record_value } = expectStatus(200, await client.instructions(operator.id))
  deployment.dns.setTxt(NAME, [String(txt_record_value)])
  await statusIs('active')
  expect(expectStatus(200, await client.verify(issued.token))).toMatchObject({ valid: false })
  const { token } = await issueToken(client, agent)
  expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: true })
})
