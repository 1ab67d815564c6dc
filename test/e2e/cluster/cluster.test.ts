import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDataFolder, type DataFolder, isRunning } from '../../support/data-folder.ts'
import { guard } from '../../support/guardian.ts'
import { adminAsserter, keysOf } from '../../support/parties.ts'
import { protocolClient } from '../../support/protocol-client.ts'
import { until } from '../../support/until.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PROCESS = /^ {4}([\w-]+) +(\d+)/gm

let data: DataFolder
let cluster: ChildProcess
let printed = ''
let gateways: readonly string[]
let pids: ReadonlyMap<string, number>

const prints = (text: string) =>
  until(
    async () => printed,
    (all) => all.includes(text),
  )

/** Starts the processes as `npm run cluster` does. */
beforeAll(async () => {
  data = await createDataFolder()
  const { PATH, HOME } = process.env
  // The servers write no log, so the test cannot depend on their log lines.
  const settings = { AUTH4AGENT_REVOCATION_LEASE: '1s', AUTH4AGENT_LOG_LEVEL: 'silent', AUTH4AGENT_LOG_FORMAT: 'text' }
  const env = { PATH, HOME, AUTH4AGENT_DATA_DIR: data.path, ...settings }
  cluster = spawn(process.execPath, ['test/support/run-cluster.ts'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  guard(cluster, 'SIGTERM')
  for (const stream of [cluster.stdout, cluster.stderr]) stream?.on('data', (text: Buffer) => (printed += String(text)))
  await prints('Ctrl-C')
  gateways = [...printed.matchAll(/REST (\S+)/g)].map(([, url = '']) => url)
  pids = new Map([...printed.matchAll(PROCESS)].map(([, name = '', pid]) => [name, Number(pid)]))
})
afterAll(async () => {
  cluster?.kill('SIGKILL')
  await data?.remove()
})

it('1. npm run cluster prints each process and two ready gateways that serve the same JWKS', async () => {
  const services = ['operator-registry', 'identity', 'authn', 'revocation', 'jwks-gateway']
  const names = services.flatMap((service) => [`${service}-1`, `${service}-2`])
  const all = [...names, 'nats-1', 'nats-2', 'nats-3', 'postgres']
  expect([...pids.keys()].toSorted()).toEqual(all.toSorted())
  expect(await Promise.all([...pids.values()].map(isRunning))).toEqual(all.map(() => true))
  const clients = gateways.map((url) => protocolClient(url))
  expect(clients).toHaveLength(2)
  const sets = await Promise.all(clients.map((client) => client.get('/.well-known/jwks.json')))
  // The last two keys sign introspection answers and grants.
  expect(sets[0]?.body).toMatchObject({
    keys: ['EdDSA', 'Ed25519', 'ES256', 'RS256', 'EdDSA', 'Ed25519'].map((alg) => ({ alg })),
  })
  expect(sets[1]?.body).toEqual(sets[0]?.body)
})

it('2. the cluster accepts the administrator with the key in the file that it prints', async () => {
  const [, issuer = ''] = /issuer +(\S+)/.exec(printed) ?? []
  const [, keyFile = ''] = /admin key +(\S+)/.exec(printed) ?? []
  const admin = adminAsserter(keysOf(await readFile(keyFile, 'utf8')), issuer)
  const client = protocolClient(gateways[1] ?? '')
  expect(await client.signed('POST', '/v1/deployment/end-all-tokens', { reason: 'a trial' }, admin)).toMatchObject({
    status: 200,
  })
})

it('3. the cluster restarts a process that was killed', async () => {
  process.kill(pids.get('authn-1') ?? 0, 'SIGKILL')
  await prints('authn-1 is back as pid')
  const [, pid] = /authn-1 is back as pid (\d+)/.exec(printed) ?? []
  expect(await isRunning(Number(pid))).toBe(true)
})

it('4. Ctrl-C stops every process of the cluster', async () => {
  const all = [...pids.values(), ...[...printed.matchAll(/back as pid (\d+)/g)].map(([, pid]) => Number(pid))]
  const exited = once(cluster, 'exit')
  cluster.kill('SIGINT')
  expect(await exited).toEqual([0, null])
  expect(await Promise.all(all.map(isRunning))).toEqual(all.map(() => false))
})
