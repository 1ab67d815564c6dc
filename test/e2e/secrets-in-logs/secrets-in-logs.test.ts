import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { protocolClient } from '../../support/protocol-client.ts'
import { readSql } from '../../support/sql.ts'
import { type Collector, startCollector } from '../../support/traces/collector.ts'
import { expectNoSecrets, misplace, useRightly, type Watched } from './run-through.ts'
import { createSecrets } from './secrets.ts'

const secrets = createSecrets()
let collector: Collector
let deployment: Deployment
let watched: Watched
let requestId: string

beforeAll(async () => {
  collector = await startCollector()
  const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'always_on' }
  deployment = await startDeployment({ env: { AUTH4AGENT_LOG_LEVEL: 'debug', ...traces } })
  const { server, admin, dns } = deployment
  watched = { server, admin, secrets, domain: 'agents.example.com', prove: (name, value) => dns.setTxt(name, [value]) }
})
afterAll(async () => {
  await deployment?.stop()
  await collector?.close()
})

it('1. a full run succeeds, and calls with misplaced secrets are answered', async () => {
  requestId = await misplace(watched, await useRightly(watched))
})

it('2. the secrets of the deployment are added to those to look for', async () => {
  const kek = deployment.env['AUTH4AGENT_KEK'] ?? ''
  secrets.keep('key-encryption-key', kek)
  secrets.keep('key-encryption-key in hex', Buffer.from(kek, 'base64').toString('hex'))
  secrets.keep('password of the database', new URL(deployment.databaseUrl).password)
  const [keys] = await readSql(deployment.databaseUrl, 'SELECT bus_key, attestation_key FROM deployment')
  secrets.keepBytes('key of the bus', bytesOf(keys?.['bus_key']))
  secrets.keepBytes('key of attestation', bytesOf(keys?.['attestation_key']))
})

it('3. the logs of all processes describe the run and contain none of the secrets', () => {
  expectNoSecrets(deployment.logs(), requestId, secrets)
})

it('4. the exported traces of the run contain none of the secrets', async () => {
  const traceId = 'a'.repeat(32)
  await protocolClient(deployment.server.baseUrl, { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` }).get(
    '/v1/nothing',
  )
  // Each process exports its spans in the order in which they end.
  await collector.find('refused request', (span) => span.traceId === traceId)
  await collector.find('redeem')
  expect(secrets.foundIn(collector.bytes.toString('latin1'))).toEqual([])
})

it('5. the database contains no join token, and the key of attestation only in its own column', async () => {
  const text = await readRows(deployment.databaseUrl)
  expect(text).toContain('agent.enrol')
  const found = secrets.foundIn(text).filter((name) => /^(join token|key of attestation)/.test(name))
  expect(found).toEqual([])
})

/** Returns every row of every table as text, without the column of the key. */
async function readRows(url: string): Promise<string> {
  const tables = await readSql(url, "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'")
  const selects = tables.map(
    ({ name }) => `SELECT (to_jsonb(r) - 'attestation_key')::text AS content FROM ${String(name)} r`,
  )
  const rows = await readSql(url, selects.join(' UNION ALL '))
  return rows.map(({ content }) => String(content)).join('\n')
}

function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error('The column must have bytes')
  return value
}
