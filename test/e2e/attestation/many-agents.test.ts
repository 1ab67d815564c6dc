import { afterAll, beforeAll, expect, it } from 'vitest'
import { attestationPolicy, attesting, newPlatform, WORKLOAD_ISSUER } from '../../support/attesting.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { newAgentParty } from '../../support/parties.ts'
import { type Answer, outcomeOf } from '../../support/protocol-client.ts'
import { readSql } from '../../support/sql.ts'
import { type KeyedOperator, provenOperator } from '../../support/story.ts'

const AGENTS = 1000
const PLACES = 900
/** A server accepts so many connections of one address. Pods have addresses of their own. */
const AT_A_TIME = 64

const platform = newPlatform()
let deployment: Deployment
let operator: KeyedOperator

beforeAll(async () => {
  deployment = await startDeployment({ instances: 2, env: { AUTH4AGENT_RATE_LIMIT_PERCENT: '1000000' } })
  operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
  const policy = attestationPolicy(deployment.client, operator)
  await policy.putAttestor('k8s', 'kubernetes', { issuer: WORKLOAD_ISSUER, jwks: platform.jwks })
  await policy.putRule('web', { all_of: ['k8s'], label: 'web', scopes: ['orders:read'], max_agents: PLACES })
})
afterAll(() => deployment?.stop())

const evidence = ({ audience }: { readonly audience: string }) =>
  Buffer.from(platform.token({ audience, namespace: 'shop', serviceAccount: 'web' }))

/** Tries again while a server is too busy, as clients do. */
async function patiently(attempt: () => Promise<Answer>): Promise<string> {
  for (;;) {
    const answer = await attempt()
    if (answer.status < 500) return outcomeOf(answer)
  }
}

it(`of ${AGENTS} pods that enrol at once at two servers, exactly ${PLACES} become agents`, async () => {
  const servers = deployment.clients.map((client) => attesting(client, operator.id))
  const agents = Array.from({ length: AGENTS }, () => newAgentParty(operator.domain))
  const outcomes: string[] = []
  const queue = agents.entries()
  const pod = async () => {
    for (const [index, agent] of queue) {
      const server = servers[index % servers.length] ?? expect.fail('There is no server')
      outcomes.push(await patiently(() => server.enrol(agent, { k8s: evidence })))
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, pod))
  const counts = Object.fromEntries(
    [...new Set(outcomes)].map((outcome) => [outcome, outcomes.filter((each) => each === outcome).length]),
  )
  expect(counts).toEqual({ '201 OK': PLACES, '409 TOO_MANY_AGENTS': AGENTS - PLACES })
  const found = await readSql(
    deployment.databaseUrl,
    'SELECT count(*)::int AS agents, count(DISTINCT did)::int AS dids FROM agents',
  )
  expect(found).toEqual([{ agents: PLACES, dids: PLACES }])
})
