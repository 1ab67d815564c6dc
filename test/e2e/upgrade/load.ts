import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { newAgentParty } from '../../support/parties.ts'
import { type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import type { RunningServer } from '../../support/server.ts'
import { expectStatus, type OperatorParty, signedBody } from '../../support/story.ts'
import { until } from '../../support/until.ts'

/** Callers that never pause. A balancer sends their calls to servers that are ready. */
export interface Load {
  /** Adds a server, which gets calls while it is ready. */
  add(server: RunningServer): void
  /** Stops sending calls to a server. Resolves when no call is running there. */
  readonly remove: (server: RunningServer) => Promise<void>
  /** Resolves when this many more turns have succeeded or one has failed. Returns the failures so far. */
  goOn(turns: number): Promise<readonly string[]>
  /** Stops the callers. */
  stop(): Promise<void>
}

interface Target {
  readonly server: RunningServer
  readonly client: ProtocolClient
  isReady: boolean
  underWay: number
}

/** Makes the next call, at the server whose turn it is. */
export type Next = <T>(call: (client: ProtocolClient) => Promise<T>) => Promise<T>

const LOOK_MS = 50
const PAUSE_MS = 10
const WORKERS = 2

/** Starts callers. Each call of a turn goes to the next server that is ready. */
export async function startLoad(operator: OperatorParty, servers: readonly RunningServer[]): Promise<Load> {
  const targets = new Map(servers.map((server) => [server, targetOf(server)]))
  const failures: string[] = []
  const end = new AbortController()
  let turns = 0
  let calls = 0
  const next: Next = async (call) => {
    const ready = [...targets.values()].filter(({ isReady }) => isReady)
    const target = ready[calls++ % ready.length]
    if (target === undefined) throw new Error('No server is ready')
    target.underWay += 1
    try {
      return await call(target.client)
    } finally {
      target.underWay -= 1
    }
  }
  const lookAtAll = () => Promise.all([...targets.values()].map(lookAt))
  const look = async () => {
    while (!end.signal.aborted) {
      await lookAtAll()
      await delay(LOOK_MS)
    }
  }
  const work = async () => {
    while (!end.signal.aborted) {
      try {
        await turn(operator, next)
        turns += 1
      } catch (error) {
        failures.push(inspect(error))
      }
      await delay(PAUSE_MS)
    }
  }
  await lookAtAll()
  const all = [look(), ...Array.from({ length: WORKERS }, work)]
  return {
    add: (server) => void targets.set(server, targetOf(server)),
    async remove(server) {
      const target = targets.get(server)
      targets.delete(server)
      await until(
        async () => target?.underWay ?? 0,
        (underWay) => underWay === 0,
      )
    },
    async goOn(more) {
      const goal = turns + more
      await until(
        async () => ({ turns, failures }),
        () => turns >= goal || failures.length > 0,
      )
      return failures
    },
    async stop() {
      end.abort()
      await Promise.all(all)
    },
  }
}

const targetOf = (server: RunningServer): Target => ({
  server,
  client: protocolClient(server.baseUrl),
  isReady: false,
  underWay: 0,
})

async function lookAt(target: Target): Promise<void> {
  target.isReady = await fetch(`${target.server.baseUrl}/ready`).then(
    ({ status }) => status === 200,
    () => false,
  )
}

/** Makes one call of each kind, and ends a token in each way that an agent or its operator has. */
export async function turn(operator: OperatorParty, next: Next): Promise<void> {
  const agent = newAgentParty(operator.domain)
  expectStatus(201, await next((at) => at.registerAgent(operator.id, agent)))
  expectStatus(200, await next((at) => at.setScopes(operator.id, agent.did, ['read'], operator)))
  const endings = [
    (token: unknown) => next((at) => at.revokeToken(token)),
    () => next((at) => at.suspendAgent(operator.id, agent.did, operator)),
  ]
  for (const endIt of endings) {
    const body = signedBody(agent, expectStatus(200, await next((at) => at.challenge(agent.did))))
    const { token } = expectStatus(200, await next((at) => at.token(body)))
    await expectValid(true, next, token)
    expectStatus(200, await endIt(token))
    await expectValid(false, next, token)
  }
}

async function expectValid(valid: boolean, next: Next, token: unknown): Promise<void> {
  const body = expectStatus(200, await next((at) => at.verify(token)))
  if (body.valid !== valid) throw new Error(`The token should be ${valid ? '' : 'in'}valid: ${JSON.stringify(body)}`)
}
