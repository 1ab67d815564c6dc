import { afterAll, beforeAll, expect, it } from 'vitest'
import { outcomeOf, type ProtocolClient, protocolClient } from '../../support/protocol-client.ts'
import type { RunningServer } from '../../support/server.ts'
import { expectStatus, provenOperator } from '../../support/story.ts'
import { until } from '../../support/until.ts'
import { checksAt } from '../revocation-everywhere/checks.ts'
import { ENDINGS, newSubject, type Pair, type Subject, verdictAt } from './endings.ts'
import { type Load, startLoad } from './load.ts'
import { isLogged, lostRecords } from './log.ts'
import { type Stage, setStage } from './stage.ts'

/**
 * Settings for servers with a lease. The drain delay is longer than callers need to see that a server is not ready.
 */
const WITH_LEASE = { AUTH4AGENT_DRAIN_DELAY: '500ms' }
const WITHOUT_LEASE = { ...WITH_LEASE, AUTH4AGENT_REVOCATION_LEASE: 'off' }
/** The number of turns of the load after each step. */
const SOME = 10
/** The time until the unknown record expires, in milliseconds. */
const FUTURE_MS = 4_000

let stage: Stage
let load: Load
/** The servers that run now, in the order in which they started. */
let servers: readonly RunningServer[]
/** A subject whose token is never ended. */
let survivor: Subject
/** The subjects whose tokens have ended, in the order of ENDINGS. */
const ended: Subject[] = []

beforeAll(async () => {
  stage = await setStage()
  servers = [await stage.startOld(), await stage.startOld()]
  const operator = await provenOperator(clients()[0], stage.dns, 'load.example.com')
  load = await startLoad(operator, servers)
})
afterAll(async () => {
  await load?.stop()
  await stage?.stop()
})

it('1. two processes of version 1 issue tokens and end some, without a revocation log', async () => {
  survivor = await newSubject(clients(), stage)
  for (const { end } of ENDINGS) {
    const subject = await newSubject(clients(), stage)
    expectStatus(200, await end(clients()[0], subject, stage.admin))
    ended.push(subject)
  }
  const { rows } = await stage.database.query("SELECT to_regclass('revocation_log') AS log")
  expect(rows).toEqual([{ log: null }])
  expect(await load.goOn(SOME)).toEqual([])
})

it('2. this version migrates the database under load: no call fails, and the log has every ending', async () => {
  await join(stage.startNew(WITHOUT_LEASE))
  expect(newest().logs()).toContain('"migration":"20261124180000_revocation_log","msg":"migration applied"')
  const [, at] = clients()
  for (const [index, { verdict, record }] of ENDINGS.entries()) {
    const subject = ended[index] as Subject
    expect(await verdictAt(at, subject)).toBe(verdict)
    expect(await isLogged(stage.database, record(subject))).toBe(true)
  }
  expect(await verdictAt(at, survivor)).toBe('valid')
  expect(await lostRecords(stage.database)).toEqual([])
})

it("3. this version refuses at once tokens that version 1 ends; each accepts the other's challenges and tokens", async () => {
  await expectRefused(clients())
})

it('4. version 1 refuses at once tokens that this version ends', async () => {
  const [old, at] = clients()
  await expectRefused([at, old])
})

it('5. one version refuses an assertion that the other version has accepted', async () => {
  const [old, at] = clients()
  const { operator, agent } = await newSubject([old, at], stage)
  const path = `/v1/operators/${operator.id}/agents/${agent.did}/suspend`
  for (const [first, second] of [
    [old, at],
    [at, old],
  ] satisfies Pair[]) {
    const assertion = operator.assert(`POST ${path}`)
    expectStatus(200, await first.send('POST', path, 'null', assertion))
    expect(outcomeOf(await second.send('POST', path, 'null', assertion))).toBe('401 ASSERTION_USED')
  }
})

it('6. version 1 starts on the migrated database, which allows a downgrade', async () => {
  const [oldest, ...others] = servers
  if (oldest === undefined) throw new RangeError('No server runs')
  await leave(load.remove)
  await oldest.restart()
  expect(oldest.logs()).toContain('the database was migrated by a newer version')
  servers = [oldest, ...others]
  load.add(oldest)
  expect(await load.goOn(SOME)).toEqual([])
  await expectRefused(clients())
})

it('7. both processes of version 1 stop, and no call fails after the balancer has removed them', async () => {
  const old = servers.slice(0, 2)
  await leave(load.remove)
  await join(stage.startNew(WITHOUT_LEASE))
  await leave(load.remove)
  for (const server of old) expect(server.logs()).not.toMatch(/"level":[56]0/)
  expect(await lostRecords(stage.database)).toEqual([])
})

it('8. a second rolling restart turns leases on: no call fails, and every ended token is refused at once', async () => {
  await join(stage.startNew(WITH_LEASE))
  await leave()
  await join(stage.startNew(WITH_LEASE))
  await leave()
  expect(servers).toHaveLength(2)
  for (const server of servers)
    await until(
      () => checksAt(server),
      ({ holdsLease }) => holdsLease,
    )
  await expectRefused(clients())
  expect(await verdictAt(clients()[1], survivor)).toBe('valid')
  for (const server of servers) expect((await checksAt(server)).memory).toBeGreaterThan(0)
  expect(await lostRecords(stage.database)).toEqual([])
})

it('9. a log record of an unknown kind makes this version answer 503 until the record expires', async () => {
  await load.stop()
  const expiry = Date.now() + FUTURE_MS
  await stage.database.query("SELECT append_revocation('future', NULL, 'x', 1, $1)", [new Date(expiry)])
  await until(askAboutSurvivor, (all) => all.every((verdict) => verdict === '503 UNAVAILABLE'))
  const seen: string[] = []
  await until(askAboutSurvivor, (all) => {
    if (Date.now() < expiry) seen.push(...all)
    return all.every((verdict) => verdict === 'valid')
  })
  expect(new Set(seen)).toEqual(new Set(['503 UNAVAILABLE']))
  expect(Date.now()).toBeGreaterThanOrEqual(expiry)
})

/** Returns the answer of each process about the token of the survivor. */
const askAboutSurvivor = () => Promise.all(clients().map(askOne))

async function askOne(at: ProtocolClient): Promise<string> {
  const answer = await at.verify(survivor.issued.token)
  return answer.body.valid === true ? 'valid' : outcomeOf(answer)
}

/** Returns clients of the oldest and the newest process. */
function clients(): Pair {
  const [oldest] = servers
  if (oldest === undefined) throw new RangeError('No server runs')
  return [protocolClient(oldest.baseUrl), protocolClient(newest().baseUrl)]
}

function newest(): RunningServer {
  const server = servers.at(-1)
  if (server === undefined) throw new RangeError('No server runs')
  return server
}

/** Starts a process and waits until the load has used it. */
async function join(starting: Promise<RunningServer>): Promise<void> {
  const server = await starting
  servers = [...servers, server]
  load.add(server)
  expect(await load.goOn(SOME)).toEqual([])
}

/**
 * Stops the oldest process under load. Version 1 does not announce its stop, so `first` removes it from the balancer
 * before.
 */
async function leave(first?: Load['remove']): Promise<void> {
  const [oldest, ...others] = servers
  if (oldest === undefined) throw new RangeError('No server runs')
  servers = others
  await first?.(oldest)
  expect(await oldest.stop('SIGTERM')).toBe(0)
  expect(await load.goOn(SOME)).toEqual([])
}

/** Ends tokens in each way at one server, and asks the other one right after each call. */
async function expectRefused([one, two]: Pair): Promise<void> {
  for (const { name, verdict, end, record } of ENDINGS) {
    const subject = await newSubject([two, one], stage)
    expect({ name, verdict: await verdictAt(two, subject) }).toEqual({ name, verdict: 'valid' })
    expectStatus(200, await end(one, subject, stage.admin))
    expect({ name, verdict: await verdictAt(two, subject) }).toEqual({ name, verdict })
    expect({ name, isLogged: await isLogged(stage.database, record(subject)) }).toEqual({ name, isLogged: true })
  }
}
