import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import { activeAgent, expectStatus, issueToken, type KeyedOperator, provenOperator } from '../../support/story.ts'
import { type Collector, startCollector } from '../../support/traces/collector.ts'

const PARENT_ID = '00f067aa0ba902b7'
const NOBODY = '00000000-0000-4000-8000-000000000000'
let traces = 0

/** Returns a new trace that its caller wants to have recorded. */
function wanted() {
  traces += 1
  const traceId = traces.toString(16).padStart(32, 'a')
  return { traceId, headers: { traceparent: `00-${traceId}-${PARENT_ID}-01` } }
}

describe('a server that records only what callers ask for', () => {
  let collector: Collector
  let deployment: Deployment
  let operator: KeyedOperator
  let agent: AgentParty

  beforeAll(async () => {
    collector = await startCollector()
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'parentbased_always_off' }
    deployment = await startDeployment({ env })
    operator = await provenOperator(deployment.client, deployment.dns, 'agents.example.com')
    agent = await activeAgent(deployment.client, operator)
  })
  afterAll(async () => {
    await deployment?.stop()
    await collector?.close()
  })

  const clientOf = (headers: Readonly<Record<string, string>>): ProtocolClient =>
    protocolClient(deployment.server.baseUrl, headers)

  it('records the trace of an operator that has signed its call', async () => {
    const { traceId, headers } = wanted()
    expectStatus(200, await clientOf(headers).listAgents(operator.id, operator))
    const span = await collector.find('GET /v1/operators/{operator_id}/agents', (each) => each.traceId === traceId)
    expect(span).toMatchObject({ parentId: PARENT_ID, attributes: { 'http.request.method': 'GET' } })
  })

  it('records the trace of an agent that has proved its key', async () => {
    const { traceId, headers } = wanted()
    await issueToken(clientOf(headers), agent)
    const token = await collector.find('POST /v1/token', (each) => each.traceId === traceId)
    expect(await collector.find('redeem', (each) => each.parentId === token.spanId)).toMatchObject({ traceId })
  })

  it('does not record the trace of a stranger, but shows its id in the problem document and in the log', async () => {
    const { traceId, headers } = wanted()
    const { status, body } = await clientOf(headers).getOperator(NOBODY)
    expect(status).toBe(404)
    expect(body).toMatchObject({ trace_id: traceId })
    expect(deployment.logs()).toContain(`"trace_id":"${traceId}"`)
    // A later trace that is recorded shows that the earlier one would have come by now.
    const later = wanted()
    await issueToken(clientOf(later.headers), agent)
    await collector.find('POST /v1/token', (each) => each.traceId === later.traceId)
    expect(collector.spans.filter((each) => each.traceId === traceId)).toEqual([])
  })
})

/** What a collector does that is no good. Each is started before the server. */
const BAD: readonly (readonly [string, (server: Server) => void])[] = [
  ['answers errors', (server) => void server.on('request', (_, response) => response.writeHead(500).end())],
  ['never answers', (server) => void server.on('request', () => undefined)],
  ['closes every connection', (server) => void server.on('connection', (socket) => socket.destroy())],
]

it.each(BAD)('a collector that %s fails no call', async (_name, behave) => {
  const bad = createServer()
  behave(bad)
  await new Promise<void>((resolve) => void bad.listen(0, '127.0.0.1', resolve))
  const { port } = bad.address() as AddressInfo
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_TRACES_SAMPLER: 'always_on' }
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    bad.closeAllConnections()
    bad.close()
  })
  const deployment = await startDeployment({ env })
  stack.defer(() => deployment.stop())
  const { client } = deployment
  const answers: number[] = []
  // More spans than may wait.
  for (let round = 0; round < 30; round += 1) {
    const calls = Array.from({ length: 100 }, async () => (await client.getOperator(NOBODY)).status)
    answers.push(...(await Promise.all(calls)))
  }
  expect(new Set(answers).difference(new Set([404, 429]))).toEqual(new Set())
  expect(new Set(answers)).toContain(404)
})
