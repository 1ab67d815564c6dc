import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { VERSIONS } from '../../support/older-versions.ts'
import { outcomeOf, type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import type { RunningServer } from '../../support/server.ts'
import { expectStatus, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { haproxyFolder, startHaproxy } from '../proxies/haproxy.ts'
import { startRetryingLoad } from './retrying-load.ts'
import { type Stage, setStage } from './stage.ts'

/** The balancer looks every 500 ms and believes the second failure; docs/operations.md says how to choose this. */
const SETTINGS = { AUTH4AGENT_DRAIN_DELAY: '3s' }
const STEP = '20261124000001_contract_redemptions_parent'
/** The number of turns of the load in each state. A turn has 14 calls. */
const SOME = 20

/** Where the balancer tells which processes it uses. */
const STATS = '/balancer'

const started = new AsyncDisposableStack()
let stage: Stage
let load: ReturnType<typeof startRetryingLoad>
let balancerUrl: string
let ports: readonly number[]
let servers: readonly RunningServer[]

beforeAll(async () => {
  stage = await setStage(VERSIONS.previous)
  started.defer(() => stage.stop())
  ports = [await freePort(), await freePort()]
  const first = await stage.startOld({ ...SETTINGS, PORT: `${ports[0]}` })
  servers = [first, await stage.startOld({ ...SETTINGS, PORT: `${ports[1]}` })]
  const port = await freePort()
  const file = join(await haproxyFolder(started), 'balancer.cfg')
  await writeFile(file, balancer(port, ports))
  started.defer(await startHaproxy([file]))
  const client = protocolClient(`http://127.0.0.1:${port}`)
  balancerUrl = `http://127.0.0.1:${port}`
  await untilBalanced()
  load = startRetryingLoad(await provenOperator(client, stage.dns, 'load.example.com'), client)
  started.defer(() => load.stop())
  await load.goOn(SOME)
})
afterAll(() => started.disposeAsync())

it('1. a process of the version before is replaced, and contract steps wait for the other one', async () => {
  await replace(0)
  const client = clientOf(0)
  expect(await standing(client)).toMatchObject({
    processes: [{ version: expect.stringMatching(/^\d/), counts: true }],
    contract_steps: [{ name: STEP, sql: expect.stringContaining('DROP COLUMN "parent_jti"'), waits_for: [] }],
    unlisted_sessions: expect.toSatisfy((count: number) => count > 0),
  })
  const refused = await contract(client)
  expect(outcomeOf(refused)).toBe('409 OLD_PROCESSES')
  expect(refused.body['detail']).toContain(`${STEP} waits for processes that are not listed`)
  expect(await columns()).toContain('parent_jti')
})

it('2. the other process is replaced, and no caller that repeats a call once has seen an error', async () => {
  await replace(1)
  await load.goOn(SOME)
  const { calls, repeated, errors } = load.seen
  process.stdout.write(`rolling upgrade: ${calls} calls, ${repeated} repeated once, ${errors.length} errors\n`)
  expect(errors).toEqual([])
  expect(calls).toBeGreaterThan(500)
})

it('3. the contract step runs while both processes serve, and no caller sees an error', async () => {
  const client = clientOf(1)
  const { processes, unlisted_sessions } = await standing(client)
  expect([processes, unlisted_sessions]).toEqual([[expect.anything(), expect.anything()], 0])
  // The load may hold the table for longer than a step waits for it.
  const done = await until(
    () => contract(client),
    ({ status }) => status !== 503,
  )
  expect(expectStatus(200, done)).toEqual({ applied: [STEP] })
  expect(await columns()).not.toContain('parent_jti')
  await load.goOn(SOME)
  expect(load.seen.errors).toEqual([])
  expect(expectStatus(200, await contract(client))).toEqual({ applied: [] })
})

it('4. the version before does not start any more, and says why', async () => {
  await expect(stage.startOld()).rejects.toThrow(
    `The database contains the migration ${STEP}, which this version of Auth4Agent does not know`,
  )
})

it('5. a process that stops is taken from the list', async () => {
  await load.stop()
  const [first] = servers
  expect(await first?.stop('SIGTERM')).toBe(0)
  expect((await standing(clientOf(1))).processes).toHaveLength(1)
})

it('6. a process that a contract step of a later version has forgotten ends, and says why', async () => {
  await stage.database.query(
    `WITH forgotten AS (DELETE FROM processes)
     INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)
     VALUES ('later', 'x', now(), '20990101000000_contract_later')`,
  )
  const [, second] = servers
  expect(await second?.ended).toBe(1)
  expect(second?.logs()).toContain(
    'This version of Auth4Agent can no longer use this database: the contract step 20990101000000_contract_later has',
  )
})

/** Stops a process as a supervisor does, and starts this version in its place. */
async function replace(index: number): Promise<void> {
  expect(await servers[index]?.stop('SIGTERM')).toBe(0)
  const server = await stage.startNew({ ...SETTINGS, PORT: `${ports[index]}` })
  servers = servers.with(index, server)
  await untilBalanced()
  await load.goOn(SOME)
}

/** Waits until the balancer sends calls to both processes, as a rolling update waits. */
async function untilBalanced(): Promise<void> {
  await until(
    async () => (await fetch(`${balancerUrl}${STATS};csv`)).text(),
    (text) => text.match(/^processes,process-\d,.*,UP,/gm)?.length === 2 && !text.includes('no check'),
  )
}

const clientOf = (index: number): ProtocolClient => protocolClient(servers[index]?.baseUrl ?? '')
const contract = (at: ProtocolClient) =>
  at.signed('POST', '/v1/deployment/contract-schema', { reason: 'upgrade done' }, stage.admin)

async function standing(at: ProtocolClient) {
  return expectStatus(200, await at.get('/v1/deployment/processes', stage.admin))
}

async function columns(): Promise<readonly string[]> {
  const { rows } = await stage.database.query(
    "SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = 'redemptions'",
  )
  return rows.map(({ name }) => name)
}

/** Returns a configuration of HAProxy that sends calls to processes that are ready. */
function balancer(port: number, servers: readonly number[]): string {
  const lines = servers.map((each, index) => `  server process-${index} 127.0.0.1:${each}`)
  return `defaults
  mode http
  timeout connect 2s
  timeout check 30s
  timeout client 30s
  timeout server 30s
frontend calls
  bind 127.0.0.1:${port}
  stats enable
  stats uri ${STATS}
  default_backend processes
backend processes
  balance roundrobin
  option httpchk GET /ready
  default-server check inter 500ms fall 2 rise 1
${lines.join('\n')}
`
}
