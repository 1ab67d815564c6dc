import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { runSql } from '../../support/sql.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'

/** The number of concurrent calls of the noisy operator. This is more than several processes can run and queue. */
const CALLS = 200
const ROUNDS = 5
/**
 * The least time limit in milliseconds, long enough for a busy machine. If the flood used all connections, the server
 * would refuse a suspension with 503, which also fails the test.
 */
const LEAST_BOUND_MS = 10_000

let deployment: Deployment
let noisy: OperatorParty
let quiet: OperatorParty
let agent: AgentParty

beforeAll(async () => {
  deployment = await startDeployment()
  const { client, dns, databaseUrl } = deployment
  noisy = await provenOperator(client, dns, 'noisy.example.com')
  quiet = await provenOperator(client, dns, 'quiet.example.com')
  agent = await activeAgent(client, quiet)
  // Each record of the noisy operator takes half a second to read, as if its audit were very large.
  await runSql(
    databaseUrl,
    `ALTER TABLE audit_logs RENAME TO audit_rows;
     CREATE VIEW audit_logs AS SELECT * FROM audit_rows
     WHERE operator_id IS DISTINCT FROM '${noisy.id}'::uuid OR pg_sleep(0.5) IS NOT NULL`,
  )
})
afterAll(() => deployment?.stop())

const readAudit = (signal: AbortSignal) =>
  fetch(`${deployment.server.baseUrl}/v1/operators/${noisy.id}/audit`, {
    headers: { authorization: noisy.assert() },
    signal,
  })

/**
 * Returns the milliseconds that a suspension, a reactivation and a sign-in of the quiet operator's agent take, for
 * each round.
 */
async function measure(): Promise<readonly number[]> {
  const { client } = deployment
  const times: number[] = []
  const timed = async (work: () => Promise<unknown>) => {
    const startedAt = performance.now()
    await work()
    times.push(performance.now() - startedAt)
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    await timed(async () => expectStatus(200, await client.suspendAgent(quiet.id, agent.did, quiet)))
    await timed(async () => expectStatus(200, await client.reactivateAgent(quiet.id, agent.did, quiet)))
    await timed(() => issueToken(client, agent))
  }
  return times
}

it('a flood of slow reads by one operator does not delay suspensions and sign-ins of another operator', async () => {
  const usual = Math.max(...(await measure()))
  const over = new AbortController()
  const statuses = new Map<number, number>()
  const flood = Array.from({ length: CALLS }, async () => {
    while (!over.signal.aborted) {
      const answer = await readAudit(over.signal).catch(() => undefined)
      await answer?.body?.cancel()
      if (answer === undefined) return
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      // A refused caller does not retry, because that would only use processor time. The other calls keep the queue
      // full.
      if (answer.status === 429) return
    }
  })
  try {
    const flooded = Math.max(...(await measure()))
    expect(flooded).toBeLessThan(Math.max(10 * usual, LEAST_BOUND_MS))
  } finally {
    over.abort()
    await Promise.all(flood)
  }
  expect(statuses.get(429)).toBeGreaterThan(0)
  expect([...statuses.keys()].filter((status) => status === 500)).toEqual([])
})
