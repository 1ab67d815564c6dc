import { randomBytes, randomUUID } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { createPassedTimeJudge } from '../platform/db/passed-time.ts'
import { pruneAudit } from './prune-audit.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const database = await testDatabase()
const { prisma, pool } = database.db
afterAll(() => database.drop())

const idAt = (ms: number) => uuidv7(ms, randomBytes(10))
const agesOf = (rows: readonly { at: Date }[]) =>
  rows.map(({ at }) => Math.round((Date.now() - at.getTime()) / DAY_MS)).toSorted((left, right) => left - right)
const records = async () => agesOf(await prisma.auditLog.findMany())
const requests = async () => agesOf(await prisma.signedRequest.findMany())
const prune = (days: number, read = async (): Promise<number | undefined> => Date.now()) =>
  pruneAudit(pool, { read }, days * DAY_MS)

/** Inserts a record with its request that are this many days old. */
async function insert(days: number): Promise<void> {
  const at = new Date(Date.now() - days * DAY_MS)
  const signedRequestId = idAt(at.getTime())
  await prisma.signedRequest.create({ data: { id: signedRequestId, at, rpc: 'x', signatures: [], bodyDigest: '' } })
  const entry = { actor: 'admin', action: 'x', subject: 'x', outcome: 'done', requestId: randomUUID() } as const
  await prisma.auditLog.create({ data: { id: idAt(at.getTime()), at, ...entry, signedRequestId } })
}

beforeEach(async () => {
  await pool.query('ALTER TABLE audit_logs DISABLE TRIGGER USER; ALTER TABLE signed_requests DISABLE TRIGGER USER')
  await pool.query('DELETE FROM audit_logs; DELETE FROM signed_requests')
  await pool.query('ALTER TABLE audit_logs ENABLE TRIGGER USER; ALTER TABLE signed_requests ENABLE TRIGGER USER')
  for (const days of [0, 29, 39, 41, 100]) await insert(days)
})

describe('pruneAudit', () => {
  it('removes records and requests that are older than the retention, and no other', async () => {
    await prune(40)
    expect(await records()).toEqual([0, 29, 39])
    expect(await requests()).toEqual([0, 29, 39])
  })

  it('removes them at a moment that the monotonic clock decides, which has fractions of milliseconds', async () => {
    const judge = createPassedTimeJudge()
    const now = Date.now()
    judge({ databaseMs: now - MINUTE_MS, monotonicMs: 0.25, wallMs: now })
    // The database's clock is ahead of the monotonic clock by less than what it may be.
    const judgement = judge({ databaseMs: now + 1, monotonicMs: MINUTE_MS, wallMs: now })
    expect(judgement).toMatchObject({ kind: 'passed' })
    await prune(40, async () => (judgement.kind === 'passed' ? judgement.ms : undefined))
    expect(await records()).toEqual([0, 29, 39])
  })

  it('removes nothing while it is not certain which time has passed', async () => {
    await prune(40, async () => undefined)
    expect(await records()).toEqual([0, 29, 39, 41, 100])
  })

  it('removes more rows than one statement may', async () => {
    const at = new Date(Date.now() - 50 * DAY_MS)
    await pool.query(
      `INSERT INTO audit_logs (id, at, actor, action, subject, outcome, request_id)
       SELECT ($1 || lpad(to_hex(n), 12, '0'))::uuid, $2, 'admin', 'x', 'x', 'done', 'x' FROM generate_series(1, 6000) n`,
      [idAt(at.getTime()).slice(0, 24), at],
    )
    await prune(40)
    expect(await records()).toEqual([0, 29, 39])
  })

  it('fails, and removes nothing, when a clock that is years ahead makes young records look old', async () => {
    await expect(prune(40, async () => Date.now() + 1_000 * DAY_MS)).rejects.toThrow('audit_logs_first is append-only')
    expect(await records()).toEqual([0, 29, 39, 41, 100])
  })
})

describe.each(['audit_logs', 'signed_requests'])('%s', (table) => {
  it('lets nobody remove a record in the first 30 days, and lets older ones go', async () => {
    await expect(pool.query(`DELETE FROM ${table} WHERE at > now() - interval '30 days'`)).rejects.toThrow(
      'append-only',
    )
    await pool.query(`DELETE FROM ${table} WHERE at < now() - interval '30 days'`)
    expect(await records()).toHaveLength(table === 'audit_logs' ? 2 : 5)
  })
})
