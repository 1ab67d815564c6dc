import { randomUUID } from 'node:crypto'
import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { Ending, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { KeyState } from '../../gen/prisma/enums.ts'
import { freshOperator, insertAgent } from '../../test/support/authn.ts'
import { testDatabase } from '../../test/support/database.ts'
import { compactLog } from './compact-log.ts'
import { createLogStore, ENDINGS_AFTER } from './log-store.ts'

const database = await testDatabase()
const { prisma, pool } = database.db
const store = createLogStore(pool, 'test')

afterAll(() => database.drop())

/** The records that a change adds. */
async function recordsOf(change: () => Promise<unknown>): Promise<readonly RevocationRecord[]> {
  const { sequence } = await store.head()
  await change()
  return store.recordsAfter(sequence, 1_000)
}

const passedTime = { read: async () => Date.now() + 1 }
const inAnHour = () => new Date(Date.now() + 3_600_000)

const half = (state: KeyState) => ({
  wrappedKey: state === 'retired' || state === 'compromised' ? null : new Uint8Array(1),
})

describe('what is in the log', () => {
  it("an operator's epoch that rises, whoever raises it", async () => {
    const { id } = await freshOperator(database.db)
    const records = await recordsOf(() => pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id]))
    expect(records).toMatchObject([{ kind: 'operator', operatorId: id, subject: '', minimumEpoch: 2 }])
    expect(records[0]?.expiresAt).toBeGreaterThan(Date.now() + 64 * 60_000)
  })

  it("an agent's epoch that rises", async () => {
    const agent = await insertAgent(database.db, await freshOperator(database.db))
    const records = await recordsOf(() =>
      prisma.agent.update({ where: { id: agent.id }, data: { epoch: { increment: 1 } } }),
    )
    expect(records).toMatchObject([
      { kind: 'agent', operatorId: agent.operatorId, subject: agent.did, minimumEpoch: 2 },
    ])
  })

  it('a token that is revoked, until it has expired', async () => {
    const { id: operatorId } = await freshOperator(database.db)
    const expiresAt = inAnHour()
    const records = await recordsOf(() => prisma.revokedToken.create({ data: { operatorId, jti: 'j', expiresAt } }))
    expect(records).toMatchObject([{ kind: 'token', operatorId, subject: 'j', minimumEpoch: 0, expiresAt: +expiresAt }])
  })

  it.each([
    ['prepared', 'active', 0],
    ['active', 'retiring', 0],
    ['retiring', 'retired', 1],
    ['retired', 'compromised', 1],
    ['active', 'compromised', 1],
    ['compromised', 'compromised', 0],
  ] as const)('a signing key that goes from %s to %s: %i', async (from, to, count) => {
    const kid = randomUUID()
    await prisma.jwksKey.create({
      data: { kid, purpose: 'access_token', alg: 'EdDSA', state: from, publicJwk: {}, ...half(from) },
    })
    const data = { state: to, ...half(to) }
    const records = await recordsOf(() => prisma.jwksKey.update({ where: { kid }, data }))
    expect(records).toMatchObject(Array.from({ length: count }, () => ({ kind: 'key', operatorId: '', subject: kid })))
    await prisma.jwksKey.deleteMany()
  })

  it.each([
    ['a change of something else', 'UPDATE operators SET version = version + 1'],
    ['an epoch written as it is', 'UPDATE operators SET epoch = epoch'],
  ])('not %s', async (_name, sql) => {
    await freshOperator(database.db)
    expect(await recordsOf(() => pool.query(sql))).toEqual([])
  })

  it('nothing of a transaction that is rolled back', async () => {
    const { id } = await freshOperator(database.db)
    const client = await pool.connect()
    const records = await recordsOf(async () => {
      await client.query('BEGIN')
      await client.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id])
      await client.query('ROLLBACK')
    })
    client.release()
    expect(records).toEqual([])
  })
})

describe('the order of the log', () => {
  it('has no gaps, follows the commits, and each record holds the hash of the one before', async () => {
    const { sequence } = await store.head()
    const operators = await Promise.all(Array.from({ length: 20 }, () => freshOperator(database.db)))
    await Promise.all(
      operators.map(({ id }) => pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id])),
    )
    const records = await store.recordsAfter(sequence, 100)
    expect(records.map((record) => record.sequence)).toEqual(operators.map((_, index) => sequence + 1 + index))
    for (const [index, record] of records.entries()) {
      expect(record.hash).toBe(recordHash(record))
      if (index > 0) expect(record.previousHash).toBe(records[index - 1]?.hash)
    }
    expect(await store.head()).toMatchObject({ hash: records.at(-1)?.hash, sequence: records.at(-1)?.sequence })
  })

  it('locks the head last: a change under way holds no other up until it commits', async () => {
    const [slow, fast] = [await freshOperator(database.db), await freshOperator(database.db)]
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [slow.id])
    const records = await recordsOf(() => pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [fast.id]))
    await client.query('COMMIT')
    client.release()
    expect(records).toMatchObject([{ operatorId: fast.id }])
  })
})

describe('members', () => {
  beforeEach(() => prisma.verifier.deleteMany())

  it('join, renew and acknowledge; a removed one has nothing to renew', async () => {
    const incarnation = randomUUID()
    const position = { logEpoch: 1, sequence: 3, hash: '' }
    await store.join(incarnation, 2_000)
    expect(await store.renew(incarnation, position)).toBe(true)
    await store.acknowledge(incarnation, { ...position, sequence: 4 })
    const { members } = await store.standing(0)
    expect(members).toEqual([{ incarnation, leaseMs: 2_000, renewals: 1, logEpoch: 1, acknowledged: 4 }])
    await store.remove(incarnation)
    expect(await store.renew(incarnation, position)).toBe(false)
  })

  it('are not removed once their renewals have moved on', async () => {
    const incarnation = randomUUID()
    await store.join(incarnation, 2_000)
    await store.renew(incarnation, { logEpoch: 1, sequence: 0, hash: '' })
    await store.remove(incarnation, 0)
    expect((await store.standing(0)).members).toHaveLength(1)
    await store.remove(incarnation, 1)
    expect((await store.standing(0)).members).toHaveLength(0)
  })
})

describe('compaction', () => {
  it('removes the prefix that can end nothing any more, and no record behind one that can', async () => {
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

  it('removes nothing while no clock is sure', async () => {
    const before = await store.head()
    await pool.query(`UPDATE revocation_log SET expires_at = now() - interval '1 hour'`)
    await compactLog(pool, { read: async () => undefined })
    expect(await store.head()).toEqual(before)
  })

  it('may leave nothing, and the log goes on from there', async () => {
    await pool.query('UPDATE revocation_log SET expires_at = now()')
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

it('a snapshot of a long log is handed over in pages, in order, each record once', async () => {
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

it('a new timeline of the database begins a new log epoch, and the sequence goes on', async () => {
  const before = await store.head()
  await pool.query('UPDATE revocation_head SET timeline = timeline - 1')
  const { head } = await store.standing(before.sequence)
  expect(head).toEqual({ ...before, logEpoch: before.logEpoch + 1 })
  await pool.query('UPDATE revocation_head SET timeline = timeline - 1')
  const { id } = await freshOperator(database.db)
  const [record] = await recordsOf(() => pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id]))
  expect(record).toMatchObject({ logEpoch: before.logEpoch + 2, sequence: before.sequence + 1 })
})
