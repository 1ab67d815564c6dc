import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { eventually } from '../../support/eventually.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'

/** More changes than a server has connections. */
const CHANGES = 40
/** Fewer than the connections that a flood without a bound would use. Each gives up its wait after 1.5 seconds. */
const FEW = 10

let deployment: Deployment
let busy: OperatorParty
let quiet: OperatorParty
let agent: AgentParty
let own: AgentParty
let blocker: Client

beforeAll(async () => {
  deployment = await startDeployment({ env: { AUTH4AGENT_DB_TIMEOUT: undefined } })
  const { client, dns, databaseUrl } = deployment
  busy = await provenOperator(client, dns, 'busy.example.com')
  quiet = await provenOperator(client, dns, 'quiet.example.com')
  agent = await activeAgent(client, quiet)
  own = await activeAgent(client, busy)
  blocker = new Client({ connectionString: databaseUrl })
  await blocker.connect()
})
afterAll(async () => {
  await blocker?.end()
  await deployment?.stop()
})

/** Resolves when a change waits for the row. */
function waits(): Promise<void> {
  return eventually(async () => {
    const { rowCount } = await blocker.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
    )
    expect(rowCount).toBeGreaterThan(0)
  })
}

/** Locks the row of the busy operator, so that its changes wait, and runs work meanwhile. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  await blocker.query('BEGIN')
  try {
    await blocker.query('SELECT FROM operators WHERE id = $1 FOR UPDATE', [busy.id])
    await work()
  } finally {
    await blocker.query('ROLLBACK')
  }
}

/** Sends changes of the busy operator's policy. Returns the statuses so far, and when all are answered. */
function flood(): { readonly statuses: readonly number[]; readonly done: Promise<unknown> } {
  const statuses: number[] = []
  const path = `/v1/operators/${busy.id}/policy`
  const send = async () => {
    const { status } = await deployment.client.signed('PUT', path, { audiences: [] }, busy)
    statuses.push(status)
  }
  return { statuses, done: Promise.all(Array.from({ length: CHANGES }, send)) }
}

it('changes of one operator that wait for its row take no connection from others', async () => {
  const { client } = deployment
  await whileLocked(async () => {
    const { statuses, done } = flood()
    await waits()
    expectStatus(200, await client.suspendAgent(quiet.id, agent.did, quiet))
    expectStatus(200, await client.reactivateAgent(quiet.id, agent.did, quiet))
    const { token } = await issueToken(client, agent)
    expect(expectStatus(200, await client.verify(String(token))).valid).toBe(true)
    expect(statuses.length).toBeLessThan(FEW)
    await blocker.query('ROLLBACK')
    await done
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(CHANGES - FEW)
  })
})

it('a suspension has a place of its own, so it overtakes the waiting changes of its operator', async () => {
  const { client } = deployment
  await whileLocked(async () => {
    const { statuses, done } = flood()
    await waits()
    expectStatus(200, await client.suspendAgent(busy.id, own.did, busy))
    expect(statuses.length).toBeLessThan(FEW)
    await blocker.query('ROLLBACK')
    await done
  })
})
