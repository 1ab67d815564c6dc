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

it("1. the schedule looks again, and failing resolvers end no operator's tokens", async () => {
  const asked = deployment.dns.asked.length
  deployment.dns.fail(NAME, 'SERVFAIL')
  // Counts looks and not questions, because a resolver asks a failing server more than once. Three looks are more than
  // the two looks without a proof after which an operator lapses.
  await until(
    async () => deployment.logs(),
    (logs) => (logs.match(/"verdict":"unavailable"/g) ?? []).length >= 3,
  )
  expect(deployment.dns.asked.length).toBeGreaterThan(asked)
  expect((await client.getOperator(operator.id)).body).toMatchObject({ status: 'active' })
  expect(expectStatus(200, await client.verify(issued.token))).toMatchObject({ valid: true })
})

it('2. the operator lapses when its record is gone: it gets no new tokens, and its old tokens end', async () => {
  deployment.dns.setTxt(NAME, [])
  await statusIs('lapsed')
  // The schedule ended the tokens, so no call has promised that they are refused from now on.
  await until(
    () => client.verify(issued.token),
    ({ body }) => body.valid === false && body.reason === 'OPERATOR_TOKENS_ENDED',
  )
  expect(await client.token(await signedChallenge(client, agent))).toMatchObject({
    status: 403,
    body: { reason: 'AGENT_OPERATOR_NOT_ACTIVE', error: 'agent is not active' },
  })
})

it('3. the operator is active again when the record is back, and its old tokens stay ended', async () => {
  const { txt_record_value } = expectStatus(200, await client.instructions(operator.id))
  deployment.dns.setTxt(NAME, [String(txt_record_value)])
  await statusIs('active')
  expect(expectStatus(200, await client.verify(issued.token))).toMatchObject({ valid: false })
  const { token } = await issueToken(client, agent)
  expect(expectStatus(200, await client.verify(token))).toMatchObject({ valid: true })
})
