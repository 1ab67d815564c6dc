import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startProgram } from '../../support/child-process.ts'
import { readExample } from '../../support/deploy-example.ts'
import { freePort } from '../../support/free-port.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent } from '../../support/story.ts'
import { startApache } from './apache.ts'
import { type ProxyWorld, startProxyWorld, strangerAt } from './proxy-world.ts'
import { untilRefused } from './until-refused.ts'
import { type Ask, askThrough, bearer, CLIENT_HEADERS, NAMING } from './upstream.ts'

const started = new AsyncDisposableStack()
let world: ProxyWorld
let port: number

/** Starts Apache and introspect.mjs from deploy/examples/apache-oidc, changed only in their addresses. */
beforeAll(async () => {
  world = await startProxyWorld()
  started.defer(() => world.stop())
  const introspectPort = await freePort()
  const guard = await activeAgent(world.deployment.client, world.operator, [])
  started.defer(await startIntrospect(guard, introspectPort))
  port = await freePort()
  const site = await readExample('apache-oidc/orders.conf', {
    '127.0.0.1:8000': `127.0.0.1:${port}`,
    '127.0.0.1:3000': world.upstream.address,
    '127.0.0.1:8471': `127.0.0.1:${introspectPort}`,
    'https://auth.example.com': world.issuer,
  })
  started.defer(await startApache(site))
})
afterAll(() => started.disposeAsync())

/** Starts introspect.mjs as an agent. Resolves with a function that stops it. */
async function startIntrospect({ did, privateKey }: AgentParty, at: number): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'a4a-introspect-'))
  await writeFile(join(folder, 'agent.json'), JSON.stringify({ did }))
  await writeFile(join(folder, 'agent.jwk'), JSON.stringify(privateKey.export({ format: 'jwk' })))
  const program = join(import.meta.dirname, '../../../deploy/examples/apache-oidc/introspect.mjs')
  const settings = [`AUTH4AGENT_ISSUER=${world.issuer}`, `AUTH4AGENT_HOME=${folder}`, `PORT=${at}`]
  const args = [...settings, process.execPath, program]
  const running = await startProgram({ name: 'introspect.mjs', command: '/usr/bin/env', args, isReady: /listens/ })
  return async () => {
    await running.end('SIGTERM')
    await rm(folder, { recursive: true })
  }
}

const ask = (options?: Ask) => askThrough(port, world.upstream, options)
const INVALID = { status: 401, challenge: expect.stringContaining('error="invalid_token"'), reason: '', reached: [] }
const FORBIDDEN = {
  status: 403,
  challenge: expect.stringContaining('error="insufficient_scope"'),
  reason: '',
  reached: [],
}

it('1. Apache lets a valid token pass, and the API gets who calls, but not the token', async () => {
  const answer = await ask({ headers: bearer(await world.token()) })
  expect(answer).toMatchObject({ status: 200, challenge: '', reached: [{ method: 'GET', path: '/orders?page=1' }] })
  expect(answer.reached[0]?.headers).toMatchObject({
    'x-auth4agent-subject': [world.agent.did],
    'x-auth4agent-operator': [world.operator.id],
    'x-auth4agent-scope': ['orders:read'],
    'x-auth4agent-jti': [expect.any(String)],
    'x-auth4agent-expires': [expect.stringMatching(/^\d+$/)],
  })
  expect(answer.reached[0]?.headers).not.toHaveProperty('authorization')
})

it('2. Apache answers 401 to a request without a valid token', async () => {
  expect(await ask()).toMatchObject({ status: 401, reached: [] })
  const now = Math.floor(Date.now() / 1000)
  const [past, other] = [{ iat: now - 900, nbf: now - 900, exp: now - 300 }, { iss: 'https://other.example' }]
  expect(await ask({ headers: bearer(world.forge()) })).toMatchObject({ status: 200 })
  for (const claims of [past, other]) expect(await ask({ headers: bearer(world.forge({ claims })) })).toEqual(INVALID)
  const token = await world.token()
  for (const text of ['x', `${token}x`]) expect(await ask({ headers: bearer(text) })).toEqual(INVALID)
  expect(await ask({ headers: { authorization: `Basic ${token}` } })).toMatchObject({ status: 401, reached: [] })
})

it('3. Apache answers 403 to a token of another audience, scope or operator', async () => {
  const tokens = [
    await world.token({ audience: 'https://other.example.com' }),
    await world.token({ scope: 'orders:write' }),
    await world.token({}, await strangerAt(world)),
  ]
  for (const token of tokens) expect(await ask({ headers: bearer(token) })).toEqual(FORBIDDEN)
})

it('4. Apache refuses a bound token, because it checks no proofs', async () => {
  const { token } = await world.boundToken()
  for (const scheme of ['Bearer', 'DPoP']) {
    expect(await ask({ headers: { authorization: `${scheme} ${token}` } })).toMatchObject({ status: 401, reached: [] })
  }
})

it('5. Apache refuses OPTIONS and unknown methods with and without a token', async () => {
  const token = await world.token()
  for (const method of ['OPTIONS', 'PROPFIND']) {
    expect(await ask({ method })).toMatchObject({ status: 403, reached: [] })
    expect(await ask({ method, headers: bearer(token) })).toMatchObject({ status: 403, reached: [] })
  }
})

it('6. The API never gets a header of the client that says who calls', async () => {
  const names = [...CLIENT_HEADERS, 'OIDC_CLAIM_sub']
  const sent = Object.fromEntries(names.map((name) => [name, 'forged']))
  const { status, reached } = await ask({ headers: { ...sent, ...bearer(await world.token()) } })
  expect(status).toBe(200)
  expect(JSON.stringify(reached)).not.toContain('forged')
  expect(reached[0]?.headers['x-auth4agent-subject']).toEqual([world.agent.did])
})

it.each(NAMING)('7. Apache tells the API who calls also when the client sends Connection: %s', async (connection) => {
  const { reached } = await ask({ headers: { connection, ...bearer(await world.token()) } })
  expect(reached[0]?.headers['x-auth4agent-subject']).toEqual([world.agent.did])
  expect(String(reached[0]?.headers['connection'])).not.toMatch(/auth4agent/i)
})

it('8. Apache refuses a revoked token within the bound', async () => {
  const token = await world.token()
  expect(await untilRefused(world, 'Apache', token, () => ask({ headers: bearer(token) }))).toEqual(INVALID)
})

it('9. Apache refuses every token that it does not know while the server is away', async () => {
  const token = await world.token()
  await world.leave()
  expect(await ask({ headers: bearer(token) })).toEqual(INVALID)
})
