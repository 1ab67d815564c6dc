import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { adminPrincipal, operatorPrincipal } from '../../test/support/principals.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { SERVER } from '../platform/db/server-facts.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import {
  type Author,
  actorName,
  auditId,
  change,
  demandUnused,
  pruneAssertions,
  recordRefusal,
  systemAuthor,
} from './ledger.ts'

const database = await testDatabase()
const { prisma } = database.db
afterAll(() => database.drop())

const EXPIRES = Math.floor(Date.now() / 1000) + 60
const operatorId = randomUUID()

const byOperator = (jti: string, id = operatorId): Author => ({
  requestId: jti,
  principal: operatorPrincipal(id, { jti, expiresAt: EXPIRES }),
})
const byAdmin = (jti: string): Author => ({
  requestId: jti,
  principal: adminPrincipal({ jti, expiresAt: EXPIRES }),
})
const entry = (subject: string) => ({ action: 'agent.suspend' as const, subject, operatorId })
const audited = (author: Author) =>
  change(prisma, author, async (_tx, audit) => {
    await audit(entry(author.requestId))
    return author.requestId
  })
const auditOf = (requestId: string) => prisma.auditLog.findMany({ where: { requestId } })
const keep = (jti: string, ms: number) => ({ issuer: 'p', jti, keepUntil: new Date(Date.now() + ms) })
const usesOf = (jti: string) => prisma.usedAssertion.findMany({ where: { jti } })

describe('change', () => {
  it('returns the result of the work, writes the audit and keeps the assertion beyond the longest clock skew', async () => {
    expect(await audited(byOperator('good'))).toBe('good')
    expect(await auditOf('good')).toMatchObject([
      {
        operatorId,
        actor: `operator:${operatorId}`,
        action: 'agent.suspend',
        subject: 'good',
        outcome: 'done',
        reason: '',
      },
    ])
    const [use] = await usesOf('good')
    expect(use?.issuer).toBe(operatorId)
    expect(use?.keepUntil.getTime()).toBeGreaterThanOrEqual((EXPIRES + 60) * 1000)
  })

  it('refuses an assertion that has been used', async () => {
    await audited(byOperator('once'))
    expect(await refusalOf(audited(byOperator('once')))).toBe('ASSERTION_USED')
    expect(await auditOf('once')).toHaveLength(1)
  })

  it.each<readonly [string, boolean, (author: Author) => Promise<unknown>]>([
    ['of a refusal by an earlier change', true, (author) => audited(author)],
    [
      'of another refusal',
      true,
      (author) =>
        change(prisma, author, async () => {
          throw new ApiError('AGENT_REVOKED')
        }),
    ],
    ['that shows that nothing is left to change', true, (author) => change(prisma, author, async () => 'same')],
    ['of nothing, if the change is made', false, (author) => audited(author)],
  ])('tells the server %s: %s', async (name, isTold, work) => {
    const seen: string[] = []
    const jti = `server ${name}`
    if (name.endsWith('earlier change')) await audited(byOperator(jti))
    await work({ ...byOperator(jti), sawServer: (server) => void seen.push(server) }).catch(() => undefined)
    const { rows } = await database.db.pool.query<{ server: string }>(`SELECT ${SERVER} AS server`)
    expect(seen).toEqual(isTold ? [rows[0]?.server] : [])
  })

  it('tells the server also when it refuses ahead of the change', async () => {
    const seen: string[] = []
    const author = { ...byOperator('ahead'), sawServer: (server: string) => void seen.push(server) }
    await demandUnused(prisma, author)
    expect(seen).toEqual([])
    await audited(byOperator('ahead'))
    expect(await refusalOf(demandUnused(prisma, author))).toBe('ASSERTION_USED')
    expect(seen).toEqual([expect.stringMatching(/^[0-9A-F]{8} /)])
  })

  it('keeps a refusal after a statement that the database has refused', async () => {
    const author = { ...byOperator('aborted'), sawServer: () => expect.fail() }
    const work = change(prisma, author, async (tx) => {
      await tx.$queryRaw`SELECT 1 / 0`.catch(() => undefined)
      throw new ApiError('AGENT_EXISTS')
    })
    expect(await refusalOf(work)).toBe('AGENT_EXISTS')
  })

  it('accepts an assertion once when twenty calls use it at the same time', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => refusalOf(audited(byOperator('race')))))
    expect(outcomes.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(outcomes.filter((reason) => reason === 'ASSERTION_USED')).toHaveLength(19)
    expect(await auditOf('race')).toHaveLength(1)
  })

  it('makes the second use of an assertion wait for the first, and accepts it when the first fails', async () => {
    const inside = Promise.withResolvers<void>()
    const decide = Promise.withResolvers<void>()
    const first = change(prisma, byOperator('wait'), async (_tx, audit) => {
      await audit(entry('first'))
      inside.resolve()
      await decide.promise
      throw new ApiError('AGENT_NOT_FOUND')
    })
    await inside.promise
    let isDone = false
    const second = audited(byOperator('wait')).finally(() => {
      isDone = true
    })
    await expect.poll(waitingStatements).toBe(1)
    expect(isDone).toBe(false)
    decide.resolve()
    expect(await refusalOf(first)).toBe('AGENT_NOT_FOUND')
    await second
    expect((await auditOf('wait')).map(({ subject }) => subject)).toEqual(['wait'])
  })

  it('accepts the same assertion id once from each issuer', async () => {
    await audited(byOperator('shared'))
    await audited(byOperator('shared', randomUUID()))
    await audited(byAdmin('shared'))
    expect(await refusalOf(audited(byAdmin('shared')))).toBe('ASSERTION_USED')
    expect(await usesOf('shared')).toHaveLength(3)
  })

  it('rolls back state, audit and assertion when the work fails', async () => {
    const work = change(prisma, byOperator('undone'), async (tx, audit) => {
      await tx.revokedToken.create({ data: { operatorId, jti: 'undone', expiresAt: new Date() } })
      await audit(entry('undone'))
      throw new ApiError('AGENT_REVOKED')
    })
    expect(await refusalOf(work)).toBe('AGENT_REVOKED')
    expect(await prisma.revokedToken.count({ where: { jti: 'undone' } })).toBe(0)
    expect(await auditOf('undone')).toEqual([])
    expect(await usesOf('undone')).toEqual([])
    expect(await refusalOf(audited(byOperator('undone')))).toBeUndefined()
  })

  it('rolls back the state when the audit cannot be written', async () => {
    const work = change(prisma, byOperator('unaudited'), async (tx, audit) => {
      await tx.revokedToken.create({ data: { operatorId, jti: 'unaudited', expiresAt: new Date() } })
      await audit({ ...entry('unaudited'), operatorId: 'no uuid' })
    })
    await expect(work).rejects.toThrow()
    expect(await prisma.revokedToken.count({ where: { jti: 'unaudited' } })).toBe(0)
    expect(await usesOf('unaudited')).toEqual([])
  })

  it.each<Author['principal']>([
    { kind: 'anonymous' },
    { kind: 'system' },
    { kind: 'agent', did: 'did:agent:a.example:21fe31dfa154a261626bf854046fd227' },
  ])('records no assertion for an author of kind $kind', async (principal) => {
    const author = { requestId: `by-${principal.kind}`, principal }
    const before = await prisma.usedAssertion.count()
    await audited(author)
    await audited(author)
    expect(await prisma.usedAssertion.count()).toBe(before)
    expect((await auditOf(author.requestId)).map(({ actor }) => actor)).toEqual([
      actorName(principal),
      actorName(principal),
    ])
  })
})

describe('recordRefusal', () => {
  it('records the refusal, and the assertion can be used again', async () => {
    await recordRefusal(prisma, byOperator('refused'), { ...entry('x'), reason: 'AGENT_NOT_FOUND' })
    expect(await auditOf('refused')).toMatchObject([{ outcome: 'refused', reason: 'AGENT_NOT_FOUND' }])
    expect(await usesOf('refused')).toEqual([])
  })
})

describe('audit_logs', () => {
  it.each([
    ['UPDATE', `UPDATE audit_logs SET actor = 'x'`],
    ['UPDATE of no row', `UPDATE audit_logs SET actor = 'x' WHERE false`],
    ['DELETE', 'DELETE FROM audit_logs'],
    ['TRUNCATE', 'TRUNCATE audit_logs'],
    [
      'INSERT that would update',
      `INSERT INTO audit_logs SELECT * FROM audit_logs LIMIT 1 ON CONFLICT (id) DO UPDATE SET actor = 'x'`,
    ],
  ])('refuses %s', async (_name, sql) => {
    await audited(byOperator(randomUUID()))
    const before = await prisma.auditLog.findMany({ orderBy: { id: 'asc' } })
    await expect(database.db.pool.query(sql)).rejects.toThrow(/^audit_logs(_first)? is append-only$/)
    expect(await prisma.auditLog.findMany({ orderBy: { id: 'asc' } })).toEqual(before)
  })
})

describe('pruneAssertions', () => {
  it('removes only assertions that can no longer be accepted', async () => {
    await prisma.usedAssertion.createMany({ data: [keep('old', -1_000), keep('young', 60_000)] })
    await pruneAssertions(database.db, { read: async () => Date.now() })
    expect(await prisma.usedAssertion.findMany({ where: { issuer: 'p' } })).toMatchObject([{ jti: 'young' }])
  })

  it('refuses a removed assertion even when the clock is set back later', async () => {
    await prisma.deployment.create({ data: { issuer: 'https://auth.example.com' } })
    const author = byOperator(randomUUID())
    await audited(author)
    await pruneAssertions(database.db, { read: async () => (EXPIRES + 3_600) * 1_000 })
    expect(await usesOf(author.requestId)).toEqual([])
    await expect(audited(author)).rejects.toMatchObject({ reason: 'ASSERTION_USED' })
    await prisma.deployment.deleteMany()
  })
})

it('systemAuthor gives each pass of a job its own request id', async () => {
  const [one, other] = [systemAuthor('a-job'), systemAuthor('a-job')]
  expect(one.principal).toEqual({ kind: 'system' })
  expect(one.requestId).toMatch(/^a-job-[0-9a-f-]{36}$/)
  expect(one.requestId).not.toBe(other.requestId)
})

it('auditId returns ids that sort by time, and by their order within one millisecond', () => {
  const now = Date.now()
  const ids = [...Array.from({ length: 1000 }, () => auditId(now)), auditId(now + 1), auditId(now + 2)]
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(Number.parseInt(ids[0]?.replaceAll('-', '').slice(0, 12) ?? '', 16)).toBe(now)
})
/** Counts the statements of this database that wait for a lock. */
async function waitingStatements(): Promise<number> {
  const { rows } = await database.db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0]?.count ?? 0
}
