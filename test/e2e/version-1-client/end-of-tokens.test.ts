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

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

let deployment: Deployment
let client: ProtocolClient
let operator: OperatorParty
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment()
  client = deployment.client
  operator = await provenOperator(client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(client, operator)
})
afterAll(() => deployment?.stop())

const verdict = async (text: unknown) => expectStatus(200, await client.verify(text))

it('1. a suspended agent loses its tokens and gets no new ones, and a reactivation makes no old token valid', async () => {
  const before = await issueToken(client, agent)
  const suspended = expectStatus(200, await client.suspendAgent(operator.id, agent.did, operator))
  expect(suspended).toEqual({ agent_did: agent.did, suspended_at: expect.stringMatching(TIME) })
  expect(await verdict(before.token)).toMatchObject({ valid: false, reason: 'AGENT_TOKENS_ENDED', claims: null })
  expect(await client.token(await signedChallenge(client, agent))).toMatchObject({
    status: 403,
    body: { error: 'agent is not active' },
  })
  const reactivated = expectStatus(200, await client.reactivateAgent(operator.id, agent.did, operator))
  expect(reactivated).toEqual({ agent_did: agent.did, reactivated_at: expect.stringMatching(TIME) })
  expect(await verdict(before.token)).toMatchObject({ valid: false, reason: 'AGENT_TOKENS_ENDED' })
  expect(await verdict((await issueToken(client, agent)).token)).toMatchObject({ valid: true })
})

it('2. a token is revoked by its text or by its jti, and a second revocation returns the first revocation time', async () => {
  const [one, two, other] = [
    await issueToken(client, agent),
    await issueToken(client, agent),
    await issueToken(client, agent),
  ]
  const byToken = expectStatus(200, await client.revokeToken(one.token))
  expect(byToken).toEqual({ jti: one.jti, revoked_at: expect.stringMatching(TIME) })
  expect(expectStatus(200, await client.revokeToken(one.token))).toEqual(byToken)
  expect(await client.post('/v1/revoke/token', { jti: two.jti })).toMatchObject({ status: 401 })
  expectStatus(200, await client.revokeJti(two.jti, operator))
  for (const { token: text } of [one, two])
    expect(await verdict(text)).toMatchObject({ valid: false, revoked: true, reason: 'TOKEN_REVOKED' })
  expect(await verdict(other.token)).toMatchObject({ valid: true })
})

it('3. end-all-tokens ends every token of the operator', async () => {
  const before = await issueToken(client, agent)
  const path = `/v1/operators/${operator.id}/end-all-tokens`
  expect(expectStatus(200, await client.signed('POST', path, null, operator))).toMatchObject({ id: operator.id })
  expect(await verdict(before.token)).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
  expect(await verdict((await issueToken(client, agent)).token)).toMatchObject({ valid: true })
})

it('4. the administrator suspends the operator, which ends its tokens, and reinstates it', async () => {
  const before = await issueToken(client, agent)
  const path = `/v1/operators/${operator.id}`
  expect(await client.signed('POST', `${path}/suspend`, null, operator)).toMatchObject({ status: 403 })
  expectStatus(200, await client.signed('POST', `${path}/suspend`, { reason: 'abuse' }, deployment.admin))
  expect(await verdict(before.token)).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
  expect(await client.token(await signedChallenge(client, agent))).toMatchObject({
    status: 403,
    body: { reason: 'AGENT_OPERATOR_NOT_ACTIVE', error: 'agent is not active' },
  })
  expect(expectStatus(200, await client.signed('POST', `${path}/reinstate`, null, deployment.admin))).toMatchObject({
    status: 'active',
  })
  expect(await verdict(before.token)).toMatchObject({ valid: false })
  expect(await verdict((await issueToken(client, agent)).token)).toMatchObject({ valid: true })
})

it('5. revoking an agent ends its tokens for good', async () => {
  const before = await issueToken(client, agent)
  const path = encodeURIComponent(agent.did)
  const revoked = expectStatus(200, await client.revokeAgent(operator.id, path, operator))
  expect(revoked).toEqual({ agent_did: agent.did, revoked_at: expect.stringMatching(TIME) })
  expect(await verdict(before.token)).toMatchObject({ valid: false, reason: 'AGENT_TOKENS_ENDED' })
  expect(await client.reactivateAgent(operator.id, agent.did, operator)).toMatchObject({
    status: 409,
    body: { reason: 'AGENT_REVOKED' },
  })
  expect(expectStatus(200, await client.revokeAgent(operator.id, agent.did, operator))).toEqual(revoked)
})

it('6. the operator reads in the audit what was done in its name', async () => {
  const path = `/v1/operators/${operator.id}/audit?subject=${encodeURIComponent(agent.did)}&outcome=done`
  const { body } = await client.get<readonly Json[]>(path, operator)
  expect(body.map(({ action }) => action)).toEqual([
    'agent.revoke',
    'agent.reactivate',
    'agent.suspend',
    'agent.set-scopes',
    'agent.register',
  ])
})

it('7. releasing the domain ends the operator for good', async () => {
  const path = `/v1/operators/${operator.id}/release`
  expect(expectStatus(200, await client.signed('POST', path, null, operator))).toMatchObject({ status: 'released' })
  expect(await client.confirm(operator.id)).toMatchObject({ status: 409, body: { reason: 'OPERATOR_RELEASED' } })
  expect(await client.getAgent(agent.did)).toMatchObject({ status: 404, body: { error: 'agent not found' } })
})
