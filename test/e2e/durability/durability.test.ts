import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { eventually } from '../../support/eventually.ts'
import { type AgentParty, newAgentParty } from '../../support/parties.ts'
import { outcomeOf } from '../../support/protocol-client.ts'
import { type ReplicatedPostgres, startReplicatedPostgres } from '../../support/replicated-postgres.ts'
import {
  activeAgent,
  expectStatus,
  issueToken,
  type OperatorParty,
  provenOperator,
  signedChallenge,
} from '../../support/story.ts'

const NOT_DURABLE = '503 NOT_DURABLE'

let postgres: ReplicatedPostgres
let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty

beforeAll(async () => {
  postgres = await startReplicatedPostgres()
  deployment = await startDeployment({ databaseUrl: postgres.url, env: { AUTH4AGENT_DURABILITY: 'quorum' } })
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
})
afterAll(async () => {
  await deployment?.stop()
  await postgres?.remove()
})

const ready = async () => expectStatus(200, await deployment.client.get('/ready'))
const durable = async () => /^auth4agent_commits_durable(?:\{.*\})? (\d)$/m.exec(await metrics())?.[1]
const metrics = async () => (await fetch(`${deployment.server.baseUrl}/metrics`)).text()
const verdict = async (text: unknown) => expectStatus(200, await deployment.client.verify(text))

it('1. with a standby, the server works, and says what commits survive', async () => {
  expect(await verdict((await issueToken(deployment.client, agent)).token)).toMatchObject({ valid: true })
  expect(await ready()).toEqual({ status: 'ready', durability: 'quorum' })
  expect(await durable()).toBe('1')
})

it('2. once commits wait for no standby, nothing is acknowledged that one machine could lose', async () => {
  const { client } = deployment
  const [before, revoked] = [await issueToken(client, agent), await issueToken(client, agent)]
  const other = await activeAgent(client, operator)
  const proof = await signedChallenge(client, agent)
  await postgres.nameStandbys('')

  expect(outcomeOf(await client.token(proof))).toBe(NOT_DURABLE)
  expect(outcomeOf(await client.registerAgent(operator.id, newAgentParty('agents.example.com')))).toBe(NOT_DURABLE)
  expect(outcomeOf(await client.setScopes(operator.id, other.did, ['orders:read'], operator))).toBe(NOT_DURABLE)
  expect(outcomeOf(await client.suspendAgent(operator.id, other.did, operator))).toBe(NOT_DURABLE)
  expect(outcomeOf(await client.revokeToken(revoked.token))).toBe(NOT_DURABLE)

  // A revocation takes effect all the same, and verifications are answered.
  expect(await verdict(revoked.token)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
  expect(await verdict(before.token)).toMatchObject({ valid: true })
  await eventually(async () =>
    expect(await ready()).toMatchObject({
      status: 'ready',
      durability: 'quorum',
      problem: expect.stringContaining('synchronous_standby_names'),
    }),
  )
  // The answer of /metrics is remembered for a moment.
  await eventually(async () => expect(await durable()).toBe('0'))

  await postgres.nameStandbys('*')
  expectStatus(200, await client.revokeToken(revoked.token))
  expect(outcomeOf(await client.token(proof))).toBe('409 CHALLENGE_USED')
  expect(await verdict((await issueToken(client, agent)).token)).toMatchObject({ valid: true })
  await eventually(async () => expect(await ready()).toEqual({ status: 'ready', durability: 'quorum' }))
})

it('3. a process that starts without a standby waits, says why, and begins when there is one', async () => {
  await postgres.nameStandbys('')
  const added = deployment.add({})
  await eventually(async () => expect(deployment.logs()).toContain('synchronous_standby_names'))
  await postgres.nameStandbys('*')
  const { client } = await added
  expectStatus(200, await client.get('/ready'))
})
