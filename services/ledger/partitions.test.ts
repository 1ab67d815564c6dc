import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { readFromCheckout } from '../../test/support/documents/checkout.ts'
import {
  addMonth,
  endFirst,
  insertRecord,
  monthAt,
  monthName,
  PARTITIONED,
  partitionsOf,
} from '../../test/support/partitions.ts'
import { openDb } from '../platform/db/db.ts'
import { makePartitions, type PartitionFacts } from './partitions.ts'
import { pruneAudit } from './prune-audit.ts'

const DAY_MS = 86_400_000

let database: TestDatabase
const pool = () => database.db.pool
beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

/** The months from now on that must have a partition: those that begin in the next 35 days. */
const WANTED = [0, 1, 2].filter((away) => monthAt(away) < Date.now() + 35 * DAY_MS)

async function make(on = pool()): Promise<readonly PartitionFacts[]> {
  const shown: PartitionFacts[] = []
  await makePartitions(on, (facts) => shown.push(facts))
  return shown
}

async function rowsIn(table: string): Promise<number> {
  const { rows } = await pool().query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`)
  return rows[0]?.count ?? -1
}

const named = (table: string, months: readonly number[]) =>
  [`${table}_default`, `${table}_first`, ...months.map((away) => monthName(table, away))].toSorted()

describe('makePartitions', () => {
  it('makes nothing while the first partition reaches further than 35 days', async () => {
    const [facts] = await make()
    for (const table of PARTITIONED) expect(await partitionsOf(pool(), table)).toEqual(named(table, []))
    expect(facts?.strays).toBe(0)
    expect((facts?.endsAt ?? 0) * 1000).toBeGreaterThan(Date.now() + 35 * DAY_MS)
  })

  it('makes each month that begins in the next 35 days once, in processes that run at the same time', async () => {
    await endFirst(pool(), 0)
    const others = [1, 2, 3].map(() => openDb({ url: database.url, poolSize: 2, log: silentLog }))
    await Promise.all(others.map(({ pool: other }) => make(other)))
    await Promise.all(others.map((other) => other.close()))
    for (const table of PARTITIONED) expect(await partitionsOf(pool(), table)).toEqual(named(table, WANTED))
    const last = monthAt((WANTED.at(-1) ?? 0) + 1)
    expect(await make()).toEqual([{ strays: 0, endsAt: last / 1000 }])
  })

  it('lets new records go into the partition of their month, and finds them there', async () => {
    await endFirst(pool(), 0)
    await make()
    for (const away of [-1, ...WANTED]) await insertRecord(pool(), monthAt(away))
    await insertRecord(pool(), monthAt(1) - 1)
    await insertRecord(pool(), monthAt(40))
    for (const table of PARTITIONED) {
      expect(await rowsIn(`${table}_first`)).toBe(1)
      expect(await rowsIn(monthName(table, 0))).toBe(2)
      expect(await rowsIn(`${table}_default`)).toBe(1)
      expect(await rowsIn(table)).toBe(WANTED.length + 3)
    }
  })

  it('refuses a second record of an id', async () => {
    await insertRecord(pool(), Date.now())
    await expect(pool().query('INSERT INTO audit_logs SELECT * FROM audit_logs')).rejects.toThrow('duplicate key')
  })

  it('shows records without a month, makes the other months, and fails', async () => {
    await endFirst(pool(), 0)
    await insertRecord(pool(), Date.now())
    const shown: PartitionFacts[] = []
    const making = makePartitions(pool(), (facts) => shown.push(facts))
    await expect(making).rejects.toThrow('default partition "audit_logs_default" would be violated by some row')
    expect(shown).toMatchObject([{ strays: 2 }])
    const others = WANTED.filter((away) => away > 0)
    for (const table of PARTITIONED) expect(await partitionsOf(pool(), table)).toEqual(named(table, others))
  })

  it('is made whole by the statements of docs/operations.md, which move no record', async () => {
    await endFirst(pool(), 0)
    await insertRecord(pool(), Date.now())
    await make().catch(() => undefined)
    const document = await readFromCheckout('docs/operations.md')
    const [, sql = ''] = /\n### Partitions\n.*?```sql\n(.*?)```/s.exec(document) ?? []
    expect(sql).toContain('DETACH PARTITION')
    const month = new Date(monthAt(0)).toISOString()
    for (const table of PARTITIONED) {
      await pool().query(
        sql
          .replaceAll('audit_logs', table)
          .replaceAll('2026_12', month.slice(0, 7).replace('-', '_'))
          .replaceAll('2026-12-01', month.slice(0, 10))
          .replaceAll('2027-01-01', new Date(monthAt(1)).toISOString().slice(0, 10)),
      )
      expect(await rowsIn(monthName(table, 0))).toBe(1)
      expect(await rowsIn(`${table}_default`)).toBe(0)
    }
    expect(await make()).toMatchObject([{ strays: 0 }])
    for (const table of PARTITIONED) expect(await partitionsOf(pool(), table)).toEqual(named(table, WANTED))
  })
})

const prune = (days: number, now = Date.now()) => pruneAudit(pool(), { read: async () => now }, days * DAY_MS)

describe('pruneAudit with partitions', () => {
  beforeEach(async () => {
    await endFirst(pool(), -4)
    for (const away of [-4, -3, -2, -1, 0]) {
      await addMonth(pool(), away)
      await insertRecord(pool(), monthAt(away) + 1000)
    }
  })

  it('drops the partitions whose last moment is older than the retention, and no other', async () => {
    // Of the month before the last one, a part is younger than this.
    await prune((Date.now() - monthAt(-1)) / DAY_MS + 1)
    for (const table of PARTITIONED) {
      const months = [-2, -1, 0].map((away) => monthName(table, away))
      expect(await partitionsOf(pool(), table)).toEqual([...months, `${table}_default`])
      expect(await rowsIn(table)).toBe(3)
    }
  })

  it('removes old rows of the default partition one by one', async () => {
    await pool().query('DROP TABLE audit_logs_first, signed_requests_first')
    await insertRecord(pool(), monthAt(-5))
    for (const table of PARTITIONED) expect(await rowsIn(`${table}_default`)).toBe(1)
    await prune(1_000)
    for (const table of PARTITIONED) expect(await rowsIn(`${table}_default`)).toBe(1)
    await prune((Date.now() - monthAt(-4)) / DAY_MS)
    for (const table of PARTITIONED) expect(await rowsIn(`${table}_default`)).toBe(0)
  })

  it('fails, and drops nothing young, when a clock that is years ahead makes young records look old', async () => {
    await expect(prune(31, Date.now() + 1_000 * DAY_MS)).rejects.toThrow(/audit_logs_\d{4}_\d\d is append-only/)
    expect(await partitionsOf(pool(), 'audit_logs')).toContain(monthName('audit_logs', 0))
    expect(await rowsIn(monthName('audit_logs', 0))).toBe(1)
  })

  it('gives up soon while a reader holds the table, so that writers do not wait, and drops the partition later', async () => {
    const reader = await pool().connect()
    await reader.query('BEGIN; SELECT FROM audit_logs')
    const days = (Date.now() - monthAt(-3)) / DAY_MS - 1
    await expect(prune(days)).rejects.toThrow('lock timeout')
    expect(await partitionsOf(pool(), 'audit_logs')).toContain(monthName('audit_logs', -4))
    await insertRecord(pool(), Date.now())
    await reader.query('COMMIT')
    reader.release()
    await prune(days)
    expect(await partitionsOf(pool(), 'audit_logs')).not.toContain(monthName('audit_logs', -4))
  })

  it.each([
    ['of the last 30 days', 'audit_logs', () => monthName('audit_logs', 0)],
    ['of no month', 'signed_requests', () => 'signed_requests_default'],
  ])('drop_partition refuses a partition %s', async (_case, table, name) => {
    await expect(pool().query('SELECT drop_partition($1, $2)', [table, name()])).rejects.toThrow('is append-only')
    expect(await partitionsOf(pool(), table)).toContain(name())
  })

  it('drop_partition refuses an old partition whose newest record was written in the last 30 days', async () => {
    // As by a process whose clock is wrong by months.
    await pool().query(
      `INSERT INTO audit_logs (id, actor, action, subject, outcome, request_id)
       VALUES (first_id_of($1), 'admin', 'x', 'x', 'done', 'x')`,
      [new Date(monthAt(-3) - 1)],
    )
    const drop = (away: number) =>
      pool().query('SELECT drop_partition($1, $2)', ['audit_logs', monthName('audit_logs', away)])
    await expect(drop(-4)).rejects.toThrow('is append-only')
    await drop(-3)
  })

  it('drop_partition drops no table that is no partition of the table', async () => {
    await pool().query("SELECT drop_partition('audit_logs', 'agents'), drop_partition('audit_logs', 'missing')")
    expect(await rowsIn('agents')).toBe(0)
  })
})
