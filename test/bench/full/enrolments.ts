import { randomUUID } from 'node:crypto'
import { attesting, newPlatform, WORKLOAD_ISSUER } from '../../support/attesting.ts'
import { type AgentParty, newAgentParty } from '../../support/parties.ts'
import { protocolClient } from '../../support/protocol-client.ts'
import { cpuSeconds } from '../usage.ts'
import type { World } from '../world.ts'

/** What it costs that agents enrol themselves. */
export interface Enrolled {
  readonly agents: number
  readonly seconds: number
  /** Processor time of the server for each agent, in milliseconds; undefined if /proc does not report it. */
  readonly cpuMs: number | undefined
}

const AT_A_TIME = 32
/** Agents before the measured ones, so that code is compiled and caches are filled. */
const WARM_UP = 50

/** Lets this many agents enrol by one rule, with tokens of a cluster whose keys are pinned. */
export async function measureEnrolments({ db, ours }: World, agents: number): Promise<Enrolled> {
  const { rows } = await db.query<{ id: string; domain: string }>(
    'SELECT id, domain FROM operators ORDER BY domain LIMIT 1',
  )
  const [operator] = rows
  if (operator === undefined) throw new Error('The benchmark has no operator')
  const platform = newPlatform()
  const config = { issuer: WORKLOAD_ISSUER, jwks: platform.jwks }
  const terms = { name: 'web', allOf: ['k8s'], anyOf: [], when: 'claims.k8s.namespace == "shop"', label: 'web' }
  const bounds = { scopes: ['read'], audiences: [], tokenTtl: 0, maxAgents: 100_000, expireUnused: 0, endTokens: false }
  await db.query(
    `INSERT INTO attestors (id, operator_id, name, type, config, result_ttl) VALUES ($1, $2, 'k8s', 'kubernetes', $3, 3600)`,
    [randomUUID(), operator.id, config],
  )
  await db.query(`INSERT INTO enrolment_rules (operator_id, name, content) VALUES ($1, 'web', $2)`, [
    operator.id,
    { ...terms, ...bounds },
  ])
  const calls = attesting(protocolClient(ours.http), operator.id)
  const evidence = ({ audience }: { readonly audience: string }) =>
    Buffer.from(platform.token({ audience, namespace: 'shop', serviceAccount: 'web' }))
  const enrol = async (agent: AgentParty) => {
    const { status, body } = await calls.enrol(agent, { k8s: evidence })
    if (status !== 201) throw new Error(`An agent could not enrol: ${JSON.stringify(body)}`)
  }
  const parties = Array.from({ length: WARM_UP + agents }, () => newAgentParty(operator.domain))
  await inTurns(parties.splice(0, WARM_UP), enrol)
  const [begin, cpu] = [performance.now(), await cpuSeconds(ours.pid)]
  await inTurns(parties, enrol)
  const [seconds, cpuAfter] = [(performance.now() - begin) / 1000, await cpuSeconds(ours.pid)]
  const used = cpu === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpu
  return { agents, seconds, cpuMs: used === undefined ? undefined : (used * 1000) / agents }
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
}
