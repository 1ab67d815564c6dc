import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Db } from '../../../services/platform/db/db.ts'
import { snapshots } from '../../contract/support/snapshot.ts'
import { testDatabase } from '../../support/database.ts'
import { type Deployment, type Reached, startDeployment } from '../../support/deployment.ts'
import { protocolClient } from '../../support/protocol-client.ts'
import type { Environment } from '../../support/server.ts'
import { ALGORITHMS, chooseAlgorithms, type KeyList, KINDS, keysAdmin } from '../../support/signing-keys.ts'
import { activeAgent, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { type CachingVerifier, cachingVerifier } from '../key-rotation/caching-verifier.ts'
import { type IssuedToken, type Load, startLoad, verifyAgain } from '../key-rotation/load.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { refusedStart } from './refused-start.ts'

const AGENTS = 2
/** Requests that each server answers before the next step: more than one turn of each agent. */
const ENOUGH = 12
const OLD = randomBytes(32).toString('base64')
const NEW = randomBytes(32).toString('base64')

const started = new AsyncDisposableStack()
let db: Db
let deployment: Deployment
let balancer: Balancer
let servers: readonly Reached[]
let load: Load
let offline: CachingVerifier
let beginning: readonly IssuedToken[]
let oldId: string
let newId: string

/** Starts two servers, and agents that know only the balancer. */
beforeAll(async () => {
  const database = await testDatabase()
  started.defer(database.drop)
  db = database.db
  const env = { AUTH4AGENT_KEK: OLD, AUTH4AGENT_SCHEDULE_INTERVAL: '1s' }
  deployment = await startDeployment({ instances: 2, databaseUrl: database.url, env })
  started.defer(() => deployment.stop())
  balancer = await startBalancer(started)
  servers = await deployment.verifiers()
  for (const { server } of servers) balancer.takeIn(server.baseUrl)
  const front = protocolClient(balancer.baseUrl)
  const operator = await provenOperator(front, deployment.dns, 'agents.example.com')
  await chooseAlgorithms(front, operator)
  const agents = await Promise.all(Array.from({ length: AGENTS }, () => activeAgent(front, operator)))
  offline = cachingVerifier(front)
  load = startLoad({ operator, agents, clients: () => [front], verifyOffline: (token) => offline.verify(token) })
  started.defer(() => load.stop())
  await until(
    async () => load,
    ({ tokens, troubles }) => tokens.length >= AGENTS * ALGORITHMS.length || troubles.length > 0,
  )
  beginning = [...load.tokens]
})
afterAll(() => started.disposeAsync())

it('1. when every server has the new key in AUTH4AGENT_OTHER_KEKS, nothing changes', async () => {
  oldId = (await listsOfAll())[0]?.kek_id ?? ''
  await replaceAll({ AUTH4AGENT_KEK: OLD, AUTH4AGENT_OTHER_KEKS: NEW })
  for (const list of await listsOfAll()) expect(list).toMatchObject({ kek_id: oldId, sealed_under_others: 0 })
  expect([...new Set(await sealedUnder())]).toEqual([oldId])
})

it('2. when the new key becomes AUTH4AGENT_KEK and the old key the other one, every row is soon sealed under the new key', async () => {
  await replaceAll({ AUTH4AGENT_KEK: NEW, AUTH4AGENT_OTHER_KEKS: OLD })
  const lists = await until(listsOfAll, (all) => all.every((list) => list.sealed_under_others === 0))
  newId = lists[0]?.kek_id ?? ''
  expect(newId).not.toBe(oldId)
  for (const list of lists) expect(list.kek_id).toBe(newId)
  expect([...new Set(await sealedUnder())]).toEqual([newId])
})

it('3. when the old key is removed, every server still works', async () => {
  await replaceAll({ AUTH4AGENT_KEK: NEW })
  for (const list of await listsOfAll()) {
    expect(list).toMatchObject({ kek_id: newId, sealed_under_others: 0 })
    for (const { kek_id: id } of list.keys) expect(id).toBe(newId)
  }
  const rows = await sealedUnder()
  // Each purpose and algorithm has an active key and two in reserve, and there is at least one challenge key.
  expect(rows.length).toBeGreaterThan(3 * KINDS.length)
  expect([...new Set(rows)]).toEqual([newId])
})

it('4. no call has failed, the same keys have signed all the time, and the first tokens still verify', async () => {
  await load.stop()
  expect(load.troubles).toEqual([])
  const clients = servers.map(({ client }) => client)
  expect(await verifyAgain(beginning, clients, (token) => offline.verify(token))).toEqual([])
  const kids = new Set(beginning.map(({ kid }) => kid))
  expect(kids.size).toBe(ALGORITHMS.length)
  expect(new Set(load.tokens.map(({ kid }) => kid))).toEqual(kids)
})

it('5. a server with only the old key refuses to start with one sentence, and changes nothing', async () => {
  await deployment.stop()
  const take = await snapshots(db)
  const before = await take('')
  const { status, stdout, stderr } = await refusedStart({ ...deployment.env, AUTH4AGENT_KEK: OLD })
  expect(status).toBe(1)
  const ids = `is sealed under the key-encryption key ${newId}, but the configured key is ${oldId}`
  expect(stderr).toMatch(new RegExp(`^Key \\S+ in this database ${ids}; .+ AUTH4AGENT_OTHER_KEKS\\n$`))
  expect(await take('')).toEqual(before)
  for (const kek of [OLD, NEW]) expect(`${stdout}${stderr}${deployment.logs()}`).not.toContain(kek)
})

/**
 * Replaces the servers, one after the other, with servers under these settings. During that time the other servers
 * answer.
 */
async function replaceAll(env: Environment): Promise<void> {
  for (const old of servers) {
    await balancer.takeOut(old.server.baseUrl)
    for (const process of new Set([old.server, old.authn])) expect(await process.stop()).toBe(0)
    const next = await deployment.add(env)
    servers = servers.map((each) => (each === old ? next : each))
    balancer.takeIn(next.server.baseUrl)
    await until(
      async () => servers.map(({ server }) => balancer.answered(server.baseUrl)),
      (counts) => counts.every((count) => count >= ENOUGH),
    )
  }
}

/** Returns the key list that each server gives the administrator. */
function listsOfAll(): Promise<readonly KeyList[]> {
  return Promise.all(servers.map(({ client }) => keysAdmin(client, deployment.admin).list()))
}

/** Returns the id of the key-encryption key of every row with something sealed in it. */
async function sealedUnder(): Promise<readonly (string | null)[]> {
  const { rows } = await db.pool.query<{ id: string | null }>(
    `SELECT kek_id AS id FROM jwks_keys WHERE wrapped_key IS NOT NULL UNION ALL SELECT kek_id FROM challenge_keys`,
  )
  return rows.map(({ id }) => id)
}
