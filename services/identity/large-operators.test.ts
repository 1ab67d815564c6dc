import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { testDatabase } from '../../test/support/database.ts'
import type { Tx } from '../platform/db/db.ts'
import { listAgents } from './store.ts'

const STATUSES = ['active', 'pending', 'suspended', 'revoked'] as const
const SIZE = 100

const database = await testDatabase()
const { prisma } = database.db
const [other, large] = [randomUUID(), randomUUID()]

beforeAll(async () => {
  // The agents of the large operator are the newest, as after an import.
  await prisma.$transaction(async (tx) => {
    await tx.$executeRaw`SET LOCAL session_replication_role = replica`
    await tx.$executeRaw`INSERT INTO agents (id, operator_id, did, status, allowed_scopes)
    SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid,
      CASE WHEN n <= 20000 THEN ${other}::uuid ELSE ${large}::uuid END, 'did:agent:' || n,
      (${[...STATUSES]}::text[])[n % 4 + 1]::agent_status, '{}'
    FROM generate_series(1, 30000) n`
  })
  await prisma.$executeRaw`ANALYZE agents`
})
afterAll(() => database.drop())

it.each([
  ['all agents', STATUSES],
  ['the agents of one status', ['suspended']],
] as const)(
  'listAgents reads few rows for a page of %s, although other operators have many agents',
  async (_, statuses) => {
    const [page, read] = await prisma.$transaction(async (tx) => {
      // Earlier transactions of this connection count too until PostgreSQL has taken their numbers.
      const before = await readRows(tx)
      const found = await listAgents(tx as PrismaClient, large, { size: SIZE, after: undefined, statuses })
      return [found, (await readRows(tx)) - before] as const
    })
    const ids = page.agents.map(({ id }) => id)
    expect(ids).toHaveLength(SIZE)
    expect(page.next).toBe(ids.at(-1))
    expect(ids).toEqual(ids.toSorted())
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan((statuses.length + 2) * (SIZE + 1))
  },
)

/** Returns how many rows of agents this transaction has read. */
async function readRows(tx: Tx): Promise<number> {
  const [counted] = await tx.$queryRaw<{ read: number }[]>`
    SELECT (seq_tup_read + idx_tup_fetch)::integer AS read FROM pg_stat_xact_user_tables WHERE relname = 'agents'`
  return counted?.read ?? 0
}
