import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { append, endOfLog, keysOfAgent, type LogEnd, rotation } from '../../support/hand-signed-events.ts'
import { type AgentParty, type Keys, newAgentParty, newKeys, thumbprintOf } from '../../support/parties.ts'
import { outcomeOf, type ProtocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, provenOperator, signedBody } from '../../support/story.ts'

/** Agents that rotate at the same time. */
const AGENTS = 4
/** How often each of them rotates: a thousand rotations without NATS, and a thousand with it. */
const ROTATIONS = { inside: 250, one: 250, split: 25, cluster: 250 }[inject('mode')]

/** An agent between two rotations. */
interface Rotating {
  readonly end: LogEnd
  readonly keys: Keys
  /** The key to which the agent committed. */
  readonly next: Keys
}

let deployment: Deployment
let agents: readonly AgentParty[]

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2 })
  const operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  agents = await Promise.all(Array.from({ length: AGENTS }, () => activeAgent(deployment.client, operator)))
})
afterAll(() => deployment?.stop())

it(`${AGENTS * ROTATIONS} rotations: the old key and its tokens end with the answer, and the new key works`, async () => {
  const overlapping = await Promise.all(agents.map(rotateOften))
  // If few requests overlapped a rotation and got a token, the test did not try the race.
  expect(overlapping.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(AGENTS)
})

/** Rotates the key of an agent many times. Returns how many requests under an old key got a token meanwhile. */
async function rotateOften(agent: AgentParty): Promise<number> {
  const end = await endOfLog(deployment.client, agent.did)
  let at = await rotate(0, { end, keys: keysOfAgent(agent), next: newKeys() })
  let overlapping = 0
  for (let round = 1; round <= ROTATIONS; round += 1) {
    const old = withKeys(agent, at.keys)
    const token = await tokenOf(client(round), old)
    const late = await Promise.all(deployment.clients.map((each) => signed(each, old)))
    const bodies = await Promise.all([signed(client(round), old), signed(client(round + 1), old)])
    const during = bodies.map((body, index) => client(round + index).token(body))
    at = await rotate(round, at)
    const got = (await Promise.all(during)).flatMap(({ body }) => body.token ?? [])
    overlapping += got.length
    await Promise.all(
      deployment.clients.map(async (each, index) => {
        const body = late[index]
        if (body === undefined) throw new RangeError('No challenge is left')
        expect({ round, outcome: outcomeOf(await each.token(body)) }).toEqual({
          round,
          outcome: '401 INVALID_SIGNATURE',
        })
        await tokenOf(each, withKeys(agent, at.keys))
        for (const ended of [token, ...got]) {
          const { valid, reason } = expectStatus(200, await each.verify(ended))
          expect({ round, valid, reason }).toEqual({ round, valid: false, reason: 'AGENT_TOKENS_ENDED' })
        }
      }),
    )
  }
  return overlapping
}

/** Rotates to the committed key, and commits to the one after it. */
async function rotate(round: number, { end, keys, next }: Rotating): Promise<Rotating> {
  const afterNext = newKeys()
  const event = rotation(end, keys, next, thumbprintOf(afterNext))
  return { end: await append(client(round), end.did, event), keys: next, next: afterNext }
}

function withKeys({ did }: AgentParty, keys: Keys): AgentParty {
  return { ...newAgentParty('agents.example.com', keys), did }
}

function client(round: number): ProtocolClient {
  return deployment.clients[round % deployment.clients.length] ?? deployment.client
}

async function signed(at: ProtocolClient, agent: AgentParty) {
  return signedBody(agent, expectStatus(200, await at.challenge(agent.did)))
}

async function tokenOf(at: ProtocolClient, agent: AgentParty): Promise<unknown> {
  return expectStatus(200, await at.token(await signed(at, agent))).token
}
