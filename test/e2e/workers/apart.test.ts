import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ADDRESSES } from '../../../services/configuration/service-names.ts'
import { testDatabase } from '../../support/database.ts'
import { ISSUER } from '../../support/deployment.ts'
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts'
import type { AgentParty } from '../../support/parties.ts'
import { type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import { type RunningServer, startProcess } from '../../support/server.ts'
import { activeAgent, issueToken, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { answeringWorkers, type Line, openLines } from './lines.ts'

const started = new AsyncDisposableStack()
let gateway: RunningServer
let others: RunningServer
let client: ProtocolClient
let agent: AgentParty
let lines: Line[]

/** Starts the gateway and a process with all other parts, with two workers each. */
beforeAll(async () => {
  const dns: DnsServer = await startDnsServer()
  started.defer(() => dns.close())
  const { url, drop } = await testDatabase()
  started.defer(drop)
  const env = { DATABASE_URL: url, AUTH4AGENT_BASE_URL: ISSUER, AUTH4AGENT_WORKERS: '2' }
  const dnsAndKek = { AUTH4AGENT_DNS_SERVERS: dns.address, AUTH4AGENT_KEK: randomBytes(32).toString('base64') }
  others = await startProcess({
    services: ['operator-registry', 'identity', 'authn', 'revocation'],
    env: { ...env, ...dnsAndKek, AUTH4AGENT_INTERNAL_PORT: '0' },
  })
  started.defer(async () => void (await others.stop()))
  const addresses = Object.values(ADDRESSES).map((name) => [name, others.internalAddress])
  gateway = await startProcess({ services: ['jwks-gateway'], env: { ...env, ...Object.fromEntries(addresses) } })
  started.defer(async () => void (await gateway.stop()))
  client = protocolClient(gateway.baseUrl)
  await until(
    () => client.get('/ready'),
    ({ status }) => status === 200,
  )
  agent = await activeAgent(client, await provenOperator(client, dns, 'agents.example.com'))
  lines = await openLines(gateway, 2)
  started.defer(() => {
    for (const line of lines) line.close()
  })
})
afterAll(() => started.disposeAsync())

it('1. both workers of the gateway call one internal port, and both workers behind that port answer', async () => {
  for (const line of lines) expect(await line.post('/v1/challenge', { did: agent.did })).toMatchObject({ status: 200 })
  await until(
    () => answeringWorkers(others),
    (workers) => workers.length === 2,
  )
})

it('2. a token revoked at one worker is refused at both', async () => {
  for (let round = 0; round < 10; round += 1) {
    const { token } = await issueToken(client, agent)
    expect(await lines[round % 2]?.post('/v1/revoke/token', { token })).toMatchObject({ status: 200 })
    const verdicts = await Promise.all(lines.map((line) => line.post('/v1/verify', { token })))
    expect(verdicts.map(({ text }) => JSON.parse(text).valid)).toEqual([false, false])
  }
})

it('3. both processes and their workers stop with status 0', async () => {
  expect(await gateway.stop()).toBe(0)
  expect(await others.stop()).toBe(0)
})
