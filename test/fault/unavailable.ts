import { expect } from 'vitest'
import type { AgentParty } from '../support/parties.ts'
import type { ProtocolClient } from '../support/protocol-client.ts'
import type { OperatorParty } from '../support/story.ts'
import { until } from '../support/until.ts'
import type { Told } from './load.ts'

/** The time limit for a call while the database is down. It is ten times the usual time on a quiet machine. */
export const WITHIN_MS = 20_000
/** The default of AUTH4AGENT_REVOCATION_LEASE. */
const LEASE_MS = 2_000

/**
 * Returns the longest time that a refusal took after `since`, the begin of the fault, in milliseconds. The time of a
 * call before `since` does not count.
 */
export function longestRefusal({ refusedWithin }: Pick<Told, 'refusedWithin'>, since: number): number {
  return Math.max(...refusedWithin.map(({ from, to }) => to - Math.max(from, since)))
}

/** Lists log lines about internal errors of the server. A database that is down is not an internal error. */
export function internalFaults(logs: string): string[] {
  return logs.split('\n').filter((line) => line.includes('"reason":"INTERNAL"') && line.includes('"error"'))
}

/**
 * Expects that a server whose database is down answers 503 in time to every kind of call. The server answers
 * verifications from memory until the lease ends. Returns these answers about the token.
 */
export async function expectUnavailable(
  client: ProtocolClient,
  operator: OperatorParty,
  { agent, token }: { readonly agent: AgentParty; readonly token: unknown },
): Promise<unknown[]> {
  const saidByMemory: unknown[] = []
  await until(
    async () => {
      const answer = await client.verify(token)
      if (answer.status === 200) saidByMemory.push(answer.body['valid'])
      return answer.status
    },
    (status) => status === 503,
    LEASE_MS + WITHIN_MS,
  )
  const path = `/v1/operators/${operator.id}`
  const calls = [
    () => client.verify(token),
    () => client.getOperator(operator.id),
    () => client.getAgent(agent.did),
    () => client.revokeToken(token),
    () => client.listAgents(operator.id, operator),
    () => client.reactivateAgent(operator.id, agent.did, operator),
    () => client.signed('POST', `${path}/end-all-tokens`, null, operator),
  ]
  const timed = calls.map(async (call) => {
    const startedAt = performance.now()
    const answer = await call()
    return { answer, ms: performance.now() - startedAt }
  })
  for (const { answer, ms } of await Promise.all(timed)) {
    expect(ms).toBeLessThan(WITHIN_MS)
    expect(answer).toMatchObject({ status: 503, body: { reason: 'UNAVAILABLE' } })
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
  }
  await until(
    () => client.get('/ready'),
    ({ status }) => status === 503,
  )
  expect(await client.get('/health')).toMatchObject({ status: 200 })
  return saidByMemory
}
