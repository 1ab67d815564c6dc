import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentLog, newKey, newP256Key, registerWithLog } from '../../../test/support/agent-log.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import {
  insertOperator,
  operatorsOf,
  RECOVERY_DELAY_MS,
  startIdentity,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import { type Db, openDb } from '../../platform/db/db.ts'
import type { Identity } from '../index.ts'

const ROUNDS = 8

let database: TestDatabase
let pools: readonly Db[]
let operator: TestOperator
/** Two processes of one deployment, each with its own connections and its own clock. */
let processes: readonly { readonly identity: Identity; readonly clock: { ms: number } }[]

beforeAll(async () => {
  database = await testDatabase()
  operator = await insertOperator(database.db, 'acme.example', 'active')
  pools = [0, 1].map(() => openDb({ url: database.url, poolSize: 8, log: silentLog }))
  processes = pools.map((db) => {
    const clock = { ms: Date.parse('2026-01-15T10:30:00Z') }
    return { identity: startIdentity({ db, operators: operatorsOf(db), now: () => clock.ms }), clock }
  })
})
afterAll(async () => {
  await Promise.all(pools.map((db) => db.close()))
  await database.drop()
})

const [first, second] = [() => part(0), () => part(1)]
function part(index: number) {
  const found = processes[index]
  if (found === undefined) throw new Error('There must be two processes')
  return found
}

/** Registers an agent. Returns its log as each process sees it. */
async function twoLogs(options: Parameters<typeof registerWithLog>[3] = {}) {
  const agent = await registerWithLog(first().identity, operator, () => first().clock.ms, options)
  const other = agentLog(second().identity, agent.did, () => second().clock.ms)
  return { agent, logs: [agent, other] as const }
}

const eventsOf = (agentId: string) =>
  database.db.prisma.agentKeyEvent.findMany({ where: { agentId }, orderBy: { seq: 'asc' } })

describe('two processes', () => {
  it.each([
    ['with a stored inception', false],
    ['with a computed inception', true],
  ])('accept one event for each number, %s, of many that come at the same time', async (_name, isRecorded) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { agent, logs } = await twoLogs({ isRecorded })
      const exp = Math.floor(first().clock.ms / 1000) + 60
      const events = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          index % 3 === 0
            ? agent.sign(agent.key, { type: 'add-key', key: newP256Key(), label: 'laptop', exp })
            : agent.sign(agent.key, { type: 'rotate', key: newKey() }),
        ),
      )
      const refusals = await Promise.all(events.map((event, index) => refusalOf(logs[index % 2 ? 1 : 0].send(event))))
      expect(refusals.filter((reason) => reason === 'KEY_EVENT_CONFLICT')).toHaveLength(11)
      expect(refusals).toContain(undefined)
      const stored = await eventsOf(agent.id)
      expect(stored.map(({ seq }) => seq)).toEqual([0, 1])
      expect(stored[1]?.event).toBe(events[refusals.indexOf(undefined)])
      expect(await agent.state()).toMatchObject({ seq: 1 })
    }
  })

  it('answer the same event that comes many times at the same time with its one place', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { agent, logs } = await twoLogs()
      const event = await agent.sign(agent.key, { type: 'rotate', key: newKey() })
      const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => logs[index % 2 ? 1 : 0].send(event)))
      expect(new Set(answers.map(({ seq, digest }) => `${seq} ${digest}`)).size).toBe(1)
      expect(await eventsOf(agent.id)).toHaveLength(2)
      expect(await database.db.prisma.agent.findUnique({ where: { id: agent.id } })).toMatchObject({ epoch: 2 })
    }
  })

  it('refuse an event or objection that the agent has not signed while another transaction has locked the agent', async () => {
    const next = newKey()
    const { agent } = await twoLogs({ next: next.kid })
    const { digest = '' } = await agent.recover(operator, await agent.sign(next, { type: 'recover' }))
    const event = await agent.sign(newKey(), { type: 'rotate', key: next })
    const client = await database.db.pool.connect()
    try {
      await client.query('BEGIN')
      await client.query('SELECT 1 FROM agents WHERE id = $1 FOR UPDATE', [agent.id])
      expect(await refusalOf(agent.send(event))).toBe('INVALID_KEY_EVENT')
      expect(await refusalOf(agent.object(newKey(), digest))).toBe('INVALID_STATEMENT')
    } finally {
      client.release(true)
    }
  })

  it('keep at most four added keys when more come at the same time', async () => {
    const { agent, logs } = await twoLogs()
    const exp = Math.floor(first().clock.ms / 1000) + 60
    let refusals: (string | undefined)[] = []
    for (let round = 0; round < 6; round += 1) {
      const add = logs.map((log) => log.append(agent.key, { type: 'add-key', key: newP256Key(), label: 'laptop', exp }))
      refusals = await Promise.all(add.map(refusalOf))
    }
    expect(refusals).toEqual(['ADDED_KEY_LIMIT', 'ADDED_KEY_LIMIT'])
    expect(await database.db.prisma.agentAddedKey.count({ where: { agentId: agent.id } })).toBe(4)
  })

  it('either end a recovery by an objection or let it take effect, when both come at the same time', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const next = newKey()
      const { agent, logs } = await twoLogs({ next: next.kid })
      const { digest = '' } = await agent.recover(operator, await agent.sign(next, { type: 'recover' }))
      // The clock of the first process is a millisecond slow, so both are right by their own clock.
      first().clock.ms += RECOVERY_DELAY_MS - 1
      second().clock.ms += RECOVERY_DELAY_MS
      const [refusal] = await Promise.all([
        refusalOf(logs[0].object(agent.key, digest)),
        second().identity.runSchedule(),
        first().identity.runSchedule(),
      ])
      const hasObjected = refusal === undefined
      if (!hasObjected) expect(['NOTHING_PENDING', 'INVALID_STATEMENT']).toContain(refusal)
      expect(await agent.state()).toMatchObject(
        hasObjected ? { seq: 0, kid: agent.key.kid } : { seq: 1, kid: next.kid },
      )
      expect((await agent.list()).pending).toEqual([])
      expect(await database.db.prisma.agent.findUnique({ where: { id: agent.id } })).toMatchObject({
        epoch: hasObjected ? 1 : 2,
      })
      first().clock.ms = second().clock.ms
    }
  })

  it('let a due recovery take effect once, also when all apply it at the same time', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const next = newKey()
      const { agent } = await twoLogs({ next: next.kid })
      await agent.recover(operator, await agent.sign(next, { type: 'recover' }))
      for (const { clock } of processes) clock.ms += RECOVERY_DELAY_MS
      await Promise.all([first(), second(), first(), second()].map(({ identity }) => identity.runSchedule()))
      expect(await agent.state()).toMatchObject({ seq: 1, kid: next.kid })
      expect(await database.db.prisma.agent.findUnique({ where: { id: agent.id } })).toMatchObject({ epoch: 2 })
      const audited = { where: { subject: agent.did, action: 'agent.recover' } }
      expect(await database.db.prisma.auditLog.count(audited)).toBe(1)
    }
  })
})
