import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import { readSql } from '../../support/sql.ts'
import { activeAgent, expectStatus, issueToken, type KeyedOperator, provenOperator } from '../../support/story.ts'
import { type Collector, startCollector } from '../../support/traces/collector.ts'
import type { ExportedSpan } from '../../support/traces/read-spans.ts'
import { until } from '../../support/until.ts'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT_ID = '00f067aa0ba902b7'
const SERVER = 2
const CLIENT = 3

let collector: Collector
let deployment: Deployment
let traced: ProtocolClient
let operator: KeyedOperator
let agent: AgentParty
let watching: AbortController

beforeAll(async () => {
  collector = await startCollector()
  deployment = await startDeployment({
    mode: 'split',
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      // The caller alone decides which trace is recorded, because it is a trusted proxy.
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      AUTH4AGENT_TRUSTED_PROXIES: '127.0.0.1',
    },
  })
  const { server, client, dns } = deployment
  operator = await provenOperator(client, dns, 'agents.example.com')
  agent = await activeAgent(client, operator)
  watching = new AbortController()
  const headers = { authorization: operator.assert() }
  const watch = await fetch(`${server.baseUrl}/v1/revocations`, { headers, signal: watching.signal })
  expect(watch.status).toBe(200)
  // The first event shows that the watcher is there. The headers are sent before.
  await watch.body?.getReader().read()
  // A record that the bus does not deliver carries no trace.
  for (const process of Object.values(deployment.processes).flat()) {
    await until(
      async () => process.logs(),
      (logs) => logs.includes('the bus is connected'),
    )
  }
  traced = protocolClient(server.baseUrl, { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01` })
})
afterAll(async () => {
  watching?.abort()
  await deployment?.stop()
  await collector?.close()
})

it('1. the caller gets a token and suspends the agent, both in its own trace', async () => {
  await issueToken(traced, agent)
  expectStatus(200, await traced.suspendAgent(operator.id, agent.did, operator))
})

it('2. the trace leads through gateway, authn, identity and the database', async () => {
  const token = await collector.find('POST /v1/token')
  expect(token).toMatchObject({ service: 'auth4agent-jwks-gateway', parentId: PARENT_ID, kind: SERVER })
  const forwarded = await child(token, 'internal auth4agent.v1.AuthnService/IssueToken')
  const issued = await child(forwarded, 'auth4agent.v1.AuthnService/IssueToken')
  expect(issued).toMatchObject({ service: 'auth4agent-authn', kind: SERVER })
  const redeem = await child(issued, 'redeem')
  expect(redeem).toMatchObject({
    kind: CLIENT,
    attributes: { 'db.system.name': 'postgresql', 'db.operation.batch.size': 1 },
  })
  const lookUp = await collector.find('internal auth4agent.internal.v1.AgentDirectoryService/LookupAgent')
  const found = await child(lookUp, 'auth4agent.internal.v1.AgentDirectoryService/LookupAgent')
  expect(found).toMatchObject({ service: 'auth4agent-identity', kind: SERVER })
  const owner = await child(found, 'internal auth4agent.internal.v1.OperatorDirectoryService/LookupOperator')
  await child(owner, 'auth4agent.internal.v1.OperatorDirectoryService/LookupOperator')
})

it('3. the trace leads from the suspension to every log follower, and to the watcher that wakes', async () => {
  const suspended = await collector.find('auth4agent.v1.IdentityService/SuspendAgent')
  for (const name of ['authenticate', 'policy', 'change agent.suspend', 'settle']) await child(suspended, name)
  const settle = await collector.find('settle')
  expect(settle.attributes).toMatchObject({ 'auth4agent.members': 1, 'auth4agent.leases_ran_out': 0 })
  const applied = await child(settle, 'log batch')
  expect(applied.service).toBe('auth4agent-authn')
  expect(applied.attributes).toMatchObject({
    'auth4agent.batch_size': 1,
    'auth4agent.position': settle.attributes['auth4agent.position'],
  })
  const woken = await child(settle, 'wake watchers')
  expect(woken).toMatchObject({ service: 'auth4agent-revocation', attributes: { 'auth4agent.watchers': 1 } })
})

it('4. only batches of records are in other traces, and each other span is a part of another one', () => {
  const others = collector.spans.filter(({ traceId }) => traceId !== TRACE_ID)
  expect(others.filter(({ name }) => name !== 'log batch')).toEqual([])
  const known = new Set([PARENT_ID, ...collector.spans.map(({ spanId }) => spanId)])
  const ours = collector.spans.filter(({ traceId }) => traceId === TRACE_ID)
  expect(ours.filter(({ parentId }) => !known.has(parentId))).toEqual([])
})

it('5. the logs of every process and the audit name the trace', async () => {
  for (const service of ['jwks-gateway', 'authn', 'identity'] as const) {
    const logs = deployment.processes[service].map((process) => process.logs()).join('\n')
    expect(logs).toContain(`"trace_id":"${TRACE_ID}"`)
  }
  const query = `SELECT action FROM audit_logs WHERE trace_id = '${TRACE_ID}' ORDER BY id`
  const actions = (await readSql(deployment.databaseUrl, query)).map(({ action }) => action)
  expect(actions).toEqual(['token.issue', 'agent.suspend'])
  const { body } = await deployment.client.get(`/v1/operators/${operator.id}/audit`, operator)
  expect(JSON.stringify(body)).toContain(`"trace_id":"${TRACE_ID}"`)
})

function child(parent: ExportedSpan, name: string): Promise<ExportedSpan> {
  return collector.find(name, ({ parentId }) => parentId === parent.spanId)
}
