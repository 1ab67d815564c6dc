import { setTimeout as delay } from 'node:timers/promises'
import type { AgentParty } from '../../../support/parties.ts'
import { protocolClient } from '../../../support/protocol-client.ts'
import { activeAgent, provenOperator, signedBody } from '../../../support/story.ts'
import type { Fleet } from '../fleet.ts'

/** Measures how long processes need after a failover. */
export interface Recovery {
  /** Begins to measure. The result of each endpoint follows when it has issued and verified a token. */
  begin(): void
  /** Resolves when all measurements have ended. Returns the times so far in milliseconds, the shortest first. */
  times(): Promise<readonly number[]>
}

const POLL_MS = 20

/** Enrols an agent for the measurements. */
export async function measureRecovery({ endpoints, dns }: Fleet): Promise<Recovery> {
  const clients = endpoints.map(({ baseUrl }) => protocolClient(baseUrl))
  const [first] = clients
  if (first === undefined) throw new RangeError('The fleet has no gateway')
  const agent = await activeAgent(first, await provenOperator(first, dns, 'probe.example.com'))
  const running: Promise<number>[] = []
  return {
    begin() {
      const at = performance.now()
      running.push(...clients.map((client) => untilServed(client, agent).then((end) => end - at)))
    },
    async times() {
      return (await Promise.all(running)).toSorted((one, other) => one - other)
    },
  }
}

/** Asks for a token and verifies it until both succeed. Returns when. */
async function untilServed(client: ReturnType<typeof protocolClient>, agent: AgentParty): Promise<number> {
  for (;;) {
    if (await isServed(client, agent).catch(() => false)) return performance.now()
    await delay(POLL_MS)
  }
}

async function isServed(client: ReturnType<typeof protocolClient>, agent: AgentParty): Promise<boolean> {
  const challenge = await client.challenge(agent.did)
  if (challenge.status !== 200) return false
  const issued = await client.token(signedBody(agent, challenge.body))
  if (issued.status !== 200) return false
  const verified = await client.verify(String(issued.body['token']))
  return verified.status === 200 && verified.body['valid'] === true
}
