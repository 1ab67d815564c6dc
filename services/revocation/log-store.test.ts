import { randomUUID } from 'node:crypto'
import type { Ending, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { compactLog } from './compact-log.ts'
import { createLogStore, ENDINGS_AFTER } from './log-store.ts'

const database = await testDatabase()
const { prisma, pool } = database.db
const store = createLogStore(pool, 'test')

afterAll(() => database.drop())

/** Runs a change and returns the records that it adds to the log. */
async function recordsOf(change: () => Promise<unknown>): Promise<readonly RevocationRecord[]> {
  const { sequence } = await store.head()
  await change()
  return store.recordsAfter(sequence, 1_000)
}

const passedTime = { read: async () => Date.now() + 1 }
const inAnHour = () => new Date(Date.now() + 3_600_000)

describe('createLogStore', () => {
  beforeEach(() => prisma.verifier.deleteMany())

  it('joins, renews and acknowledges; renew returns undefined after the lease row is removed', async () => {
    const incarnation = randomUUID()
    const position = { logEpoch: 1, sequence: 3, hash: '' }
    await store.join(incarnation, 2_000)
    expect(await store.renew(incarnation, position)).toBe((await store.tail(0)).server)
    await store.acknowledge(incarnation, { ...position, sequence: 4 })
    const { members } = await store.standing(0)
    expect(members).toEqual([{ incarnation, leaseMs: 2_000, renewals: 1, logEpoch: 1, acknowledged: 4 }])
    await store.remove(incarnation)
    expect(await store.renew(incarnation, position)).toBeUndefined()
  })

  it('does not remove a lease row whose count of renewals has changed', async () => {
    const incarnation = randomUUID()
    await store.join(incarnation, 2_000)
    await store.renew(incarnation, { logEpoch: 1, sequence: 0, hash: '' })
    await store.remove(incarnation, 0)
    expect((await store.standing(0)).members).toHaveLength(1)
    await store.remove(incarnation, 1)
    expect((await store.standing(0)).members).toHaveLength(0)
  })
})

const uuid = (number: number) => `00000000-0000-4000-8000-00000000000${number}`

async function numbersOf(incarnation: string): Promise<readonly number[]> {
  return (await store.neighbours(incarnation)).map((lease) => Number(lease.incarnation.at(-1)))
}

describe('neighbours', () => {
  beforeEach(async () => {
    await prisma.verifier.deleteMany()
    for (const number of [5, 1, 3, 6, 2, 4]) await store.join(uuid(number), 2_000)
  })

  it.each([
    [1, [2, 3, 4, 5]],
    [4, [5, 6, 1, 2]],
    [6, [1, 2, 3, 4]],
    [9, [1, 2, 3, 4]],
  ])('of incarnation %i are the next incarnations of the ring: %o', async (number, next) => {
    expect(await numbersOf(uuid(number))).toEqual(next)
  })

  it('of an incarnation are all others if there are few', async () => {
    for (const number of [1, 2, 3]) await store.remove(uuid(number))
    expect(await numbersOf(uuid(5))).toEqual([6, 4])
  })

  it('have the number of their renewals and the length of their lease', async () => {
    await store.renew(uuid(2), { logEpoch: 1, sequence: 0, hash: '' })
    expect((await store.neighbours(uuid(1)))[0]).toEqual({ incarnation: uuid(2), leaseMs: 2_000, renewals: 1 })
  })
})

describe('compactLog', () => {
  it('removes the expired records before the first record that can still end a token', async () => {
    const { id: operatorId } = await freshOperator(database.db)
    await pool.query('UPDATE revocation_log SET expires_at = now()')
    const revoke = (jti: string, expiresAt: Date) =>
      prisma.revokedToken.create({ data: { operatorId, jti, expiresAt } })
    await revoke('over', new Date(Date.now() - 1_000))
    const { sequence } = await store.head()
    await revoke('live', inAnHour())
    await revoke('over too', new Date(Date.now() - 1_000))
    await compactLog(pool, passedTime)
    expect(await store.head()).toMatchObject({ compactedThrough: sequence, sequence: sequence + 2 })
    const records: Ending[] = []
    await store.snapshot((endings) => void records.push(...endings))
    expect(records.map(({ subject }) => subject)).toEqual(['live', 'over too'])
  })

  it('removes nothing while the passed time is unknown', async () => {
    const before = await store.head()
    await pool.query(`UPDATE revocation_log SET expires_at = now() - interval '1 hour'`)
    await compactLog(pool, { read: async () => undefined })
    expect(await store.head()).toEqual(before)
  })

  it('keeps a record in the millisecond of its expiry, and removes it in the next', async () => {
    const { id } = await freshOperator(database.db)
    await pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id])
    const endMs = Date.now()
    await pool.query('UPDATE revocation_log SET expires_at = to_timestamp($1::float8 / 1000)', [endMs])
    const before = await store.head()
    await compactLog(pool, { read: async () => endMs })
    expect(await store.head()).toEqual(before)
    await compactLog(pool, { read: async () => endMs + 1 })
    expect(await store.head()).toEqual({ ...before, compactedThrough: before.sequence })
  })

  it('can remove every record, and the next record continues the sequence', async () => {
    await pool.query(`UPDATE revocation_log SET expires_at = now() - interval '1 second'`)
    await compactLog(pool, passedTime)
    const records: Ending[] = []
    const head = await store.snapshot((endings) => void records.push(...endings))
    expect(records).toEqual([])
    expect(head.compactedThrough).toBe(head.sequence)
    const { id } = await freshOperator(database.db)
    const [next] = await recordsOf(() => pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id]))
    expect(next).toMatchObject({ sequence: head.sequence + 1, previousHash: head.hash })
  })
})

it('snapshot passes a long log in pages, in order, each record once', async () => {
  const { compactedThrough } = await store.head()
  await pool.query('DELETE FROM revocation_log')
  await pool.query(
    `INSERT INTO revocation_log
       (sequence, log_epoch, kind, subject, minimum_epoch, expires_at, recorded_at, previous_hash, hash)
     SELECT $1::bigint + n, 1, 'token', n::text, 0, now(), now(), '', '' FROM generate_series(1, 12000) AS n`,
    [compactedThrough],
  )
  const pages: (readonly Ending[])[] = []
  await store.snapshot((endings) => void pages.push(endings))
  expect(pages.map(({ length }) => length)).toEqual([5_000, 5_000, 2_000])
  const sequences = pages.flat().map(({ sequence }) => sequence - compactedThrough)
  expect(sequences).toEqual(Array.from({ length: 12_000 }, (_, index) => index + 1))
  await pool.query('ANALYZE revocation_log')
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN (GENERIC_PLAN) ${ENDINGS_AFTER}`)
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('Sort')
  await pool.query('DELETE FROM revocation_log')
})

it('standing begins a new log epoch on a new timeline, and the sequence continues', async () => {
  const before = await store.head()
  await pool.query('UPDATE revocation_head SET timeline = timeline - 1')
  const { head } = await store.standing(before.sequence)
  expect(head).toEqual({ ...before, logEpoch: before.logEpoch + 1 })
  await pool.query('UPDATE revocation_head SET timeline = timeline - 1')
  const { id } = await freshOperator(database.db)
  const [record] = await recordsOf(() => pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id]))
  expect(record).toMatchObject({ logEpoch: before.logEpoch + 2, sequence: before.sequence + 1 })
})

it('many ended edges after a promotion begin one log epoch, and each record continues the one before', async () => {
  const before = await store.head()
  await pool.query('UPDATE revocation_head SET timeline = timeline - 1')
  const edges = [randomUUID(), randomUUID()]
  const records = await recordsOf(() => pool.query('SELECT append_ended_edges($1::uuid[])', [edges]))
  const logEpoch = before.logEpoch + 1
  expect(records).toMatchObject([
    { logEpoch, sequence: before.sequence + 1, subject: edges[0], previousHash: before.hash },
    { logEpoch, sequence: before.sequence + 2, subject: edges[1], previousHash: records[0]?.hash },
  ])
  expect(await store.head()).toMatchObject({ logEpoch, sequence: before.sequence + 2, hash: records[1]?.hash })
})
