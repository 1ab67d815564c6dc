import type { Client } from 'pg'
import { startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import type { ProtocolClient } from '../../support/protocol-client.ts'
import type { Environment, RunningServer } from '../../support/server.ts'
import { chooseAlgorithms, connectTo, type KeysAdmin, keysAdmin, QUICK_KEYS } from '../../support/signing-keys.ts'
import { activeAgent, type OperatorParty, provenOperator } from '../../support/story.ts'

/** Two servers with one database, and agents that may get tokens of every algorithm. */
export interface Stage {
  readonly servers: readonly [RunningServer, RunningServer]
  readonly clients: readonly [ProtocolClient, ProtocolClient]
  /** The administrator's client at each server. */
  readonly admins: readonly [KeysAdmin, KeysAdmin]
  readonly operator: OperatorParty
  readonly agents: readonly AgentParty[]
  readonly db: Client
}

const AGENTS = 4
/** The pool size of each server. It is small because other tests share the database server of a run. */
const POOL_SIZE = '6'

/**
 * Starts the servers with keys that are ready soon. `second` gets the URL of the database and returns settings for the
 * second server only. Everything ends with `started`.
 */
export async function setStage(
  started: AsyncDisposableStack,
  env: Environment = {},
  second: (databaseUrl: string) => Environment = () => ({}),
): Promise<Stage> {
  const deployment = await startDeployment({ env: { ...QUICK_KEYS, AUTH4AGENT_DB_POOL_SIZE: POOL_SIZE, ...env } })
  started.defer(() => deployment.stop())
  const { server, client, admin } = deployment
  const other = await deployment.add(second(deployment.databaseUrl))
  const operator = await provenOperator(client, deployment.dns, 'agents.example.com')
  await chooseAlgorithms(client, operator)
  const agents: AgentParty[] = []
  while (agents.length < AGENTS) agents.push(await activeAgent(client, operator))
  return {
    servers: [server, other.server],
    clients: [client, other.client],
    admins: [keysAdmin(client, admin), keysAdmin(other.client, admin)],
    operator,
    agents,
    db: await connectTo(started, deployment.databaseUrl),
  }
}
