import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { ProtocolClient, TokenBody } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, type OperatorParty, provenOperator, signedChallenge } from '../../support/story.ts'

const ROUNDS = 12
/** The number of redemptions at each server that run at the same time as a suspension. */
const RACING = 10

let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2 })
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agent = await activeAgent(deployment.client, operator)
})
afterAll(() => deployment?.stop())

describe.each([
  {
    what: 'an agent',
    stop: (client: ProtocolClient) => client.suspendAgent(operator.id, agent.did, operator),
    resume: (client: ProtocolClient) => client.reactivateAgent(operator.id, agent.did, operator),
  },
  {
    what: 'an operator',
    stop: (client: ProtocolClient) =>
      client.signed('POST', `/v1/operators/${operator.id}/suspend`, null, deployment.admin),
    resume: (client: ProtocolClient) =>
      client.signed('POST', `/v1/operators/${operator.id}/reinstate`, null, deployment.admin),
  },
])('suspending $what while tokens are issued', ({ stop, resume }) => {
  it('refuses later requests for tokens, and ends the tokens of requests that overlapped the suspension', async () => {
    let overlapping = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each server reads the changed agent first. Otherwise a redemption would need two attempts and lose the race.
      await Promise.all((await challenges(1)).map(redeem))
      const racing = await challenges(RACING)
      const late = await challenges(2)
      // The suspension starts in the middle of the redemptions, a little later in every round.
      const before = Math.floor((racing.length * round) / ROUNDS)
      const early = racing.slice(0, before).map(redeem)
      const suspension = stop(pick(round))
      const during = racing.slice(before).map(redeem)
      expectStatus(200, await suspension)
      const after = late.map(redeem)
      for (const { status } of await Promise.all(after)) expect(status).toBe(403)
      const tokens = (await Promise.all([...early, ...during])).flatMap(({ body }) => body.token ?? [])
      overlapping += tokens.length
      await expectAllRefused(tokens)
      expectStatus(200, await resume(pick(round + 1)))
      await expectAllRefused(tokens)
    }
    // If few tokens were issued, the redemptions did not overlap the suspensions, and the test proved nothing.
    expect(overlapping).toBeGreaterThan(ROUNDS)
  })
})

interface Attempt {
  readonly client: ProtocolClient
  readonly body: TokenBody
}

const redeem = ({ client, body }: Attempt) => client.token(body)

function pick(index: number): ProtocolClient {
  return deployment.clients[index % deployment.clients.length] ?? deployment.client
}

/** Returns signed challenges, `each` for each server in turn. */
function challenges(each: number): Promise<Attempt[]> {
  const attempts = Array.from({ length: each * deployment.clients.length }, async (_, index) => {
    const client = pick(index)
    return { client, body: await signedChallenge(client, agent) }
  })
  return Promise.all(attempts)
}

async function expectAllRefused(tokens: readonly unknown[]): Promise<void> {
  const verdicts = deployment.clients.flatMap((client) => tokens.map((token) => client.verify(token)))
  for (const { status, body } of await Promise.all(verdicts)) {
    expect({ status, valid: body.valid, claims: body.claims }).toEqual({ status: 200, valid: false, claims: null })
  }
}
