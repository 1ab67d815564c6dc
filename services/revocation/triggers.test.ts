import { randomUUID } from 'node:crypto'
import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { KeyState } from '../../gen/prisma/enums.ts'
import { freshOperator, insertAgent } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { createLogStore } from './log-store.ts'

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

const inAnHour = () => new Date(Date.now() + 3_600_000)

const half = (state: KeyState) => ({
  wrappedKey: state === 'retired' || state === 'compromised' ? null : new Uint8Array(1),
})

describe('revocation_log', () => {
  it("gets a record when any program raises an operator's epoch", async () => {
    const { id } = await freshOperator(database.db)
    const records = await recordsOf(() => pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [id]))
    expect(records).toMatchObject([{ kind: 'operator', operatorId: id, subject: '', minimumEpoch: 2 }])
    expect(records[0]?.expiresAt).toBeGreaterThan(Date.now() + 64 * 60_000)
  })

  it("gets a record when an agent's epoch rises", async () => {
    const agent = await insertAgent(database.db, await freshOperator(database.db))
    const records = await recordsOf(() =>
      prisma.agent.update({ where: { id: agent.id }, data: { epoch: { increment: 1 } } }),
    )
    expect(records).toMatchObject([
      { kind: 'agent', operatorId: agent.operatorId, subject: agent.did, minimumEpoch: 2 },
    ])
  })

  it('gets a record when a token is revoked, with the expiry of the revocation', async () => {
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
  ] as const)('gets, when a signing key changes from %s to %s, this number of records: %i', async (from, to, count) => {
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
    ['another column', 'UPDATE operators SET version = version + 1'],
    ['an epoch without a change of its value', 'UPDATE operators SET epoch = epoch'],
  ])('gets no record from an update of %s', async (_name, sql) => {
    await freshOperator(database.db)
    expect(await recordsOf(() => pool.query(sql))).toEqual([])
  })

  it('gets no record from a transaction that is rolled back', async () => {
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

describe('the order of revocation_log', () => {
  it('has no gaps, and each record contains the hash of the record before it', async () => {
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

  it('gives many ended edges records of one chain', async () => {
    const edges = Array.from({ length: 5 }, () => randomUUID())
    const { sequence, hash } = await store.head()
    const records = await recordsOf(() => pool.query('SELECT append_ended_edges($1)', [edges]))
    expect(records.map(({ subject }) => subject)).toEqual(edges)
    expect(records.map((record) => record.sequence)).toEqual(edges.map((_, index) => sequence + 1 + index))
    expect(records.map((record) => record.previousHash)).toEqual([
      hash,
      ...records.slice(0, -1).map((each) => each.hash),
    ])
    expect(records.map((record) => record.hash)).toEqual(records.map(recordHash))
    expect(await store.head()).toMatchObject({ hash: records.at(-1)?.hash, sequence: records.at(-1)?.sequence })
  })

  it('computes the hash as recordHash does, for random records', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((value) => !value.includes('\0'))
    const ms = fc.integer({ min: 0, max: 4_102_444_800_000 })
    const record = fc.record({
      previousHash: fc.uint8Array({ maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      logEpoch: fc.nat(),
      sequence: fc.maxSafeNat(),
      kind: text,
      operatorId: fc.oneof(fc.uuid(), fc.constant('')),
      subject: text,
      minimumEpoch: fc.nat(),
      expiresAt: ms,
      recordedAt: ms,
    })
    const records = fc.sample(record, 500).map((each) => each as Omit<RevocationRecord, 'hash'>)
    const { rows } = await pool.query<{ hash: string }>(
      `SELECT encode(revocation_hash(decode(r."previousHash", 'hex'), r."logEpoch", r.sequence, r.kind,
        nullif(r."operatorId", '')::uuid, r.subject, r."minimumEpoch",
        to_timestamp(r."expiresAt" / 1000.0), to_timestamp(r."recordedAt" / 1000.0)), 'hex') AS hash
      FROM json_to_recordset($1) AS r("previousHash" text, "logEpoch" int, sequence bigint, kind text, "operatorId" text,
        subject text, "minimumEpoch" int, "expiresAt" numeric, "recordedAt" numeric)`,
      [JSON.stringify(records)],
    )
    expect(rows.map(({ hash }) => hash)).toEqual(records.map(recordHash))
  })

  it('lets a change commit while an earlier transaction is still open', async () => {
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
