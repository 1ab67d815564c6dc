import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { outcomeOf, type TokenBody } from '../../support/protocol-client.ts'
import { activeAgent, provenOperator, signedChallenge } from '../../support/story.ts'

let deployment: Deployment
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2 })
  const operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
})
afterAll(() => deployment?.stop())

it('200 parallel redemptions of one challenge at two processes return exactly one token', async () => {
  const body = await signedChallenge(deployment.client, agent)
  expect(await redeemAtAll(body, 100)).toEqual({ '200 OK': 1, '409 CHALLENGE_USED': 199 })
})

it('each of several challenges is redeemed exactly once at two processes', async () => {
  const bodies = await Promise.all(Array.from({ length: 10 }, () => signedChallenge(deployment.client, agent)))
  const counts = await Promise.all(bodies.map((body) => redeemAtAll(body, 5)))
  expect(counts).toEqual(bodies.map(() => ({ '200 OK': 1, '409 CHALLENGE_USED': 9 })))
})

/** Redeems a challenge `times` times at each server, all at once, and counts the outcomes. */
async function redeemAtAll(body: TokenBody, times: number): Promise<Record<string, number>> {
  const attempts = deployment.clients.flatMap((client) => Array.from({ length: times }, () => client.token(body)))
  const outcomes = Object.groupBy((await Promise.all(attempts)).map(outcomeOf), String)
  return Object.fromEntries(Object.entries(outcomes).map(([outcome, all]) => [outcome, all?.length ?? 0]))
}
