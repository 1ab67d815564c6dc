import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type Author, actorName, auditId, change, pruneAssertions, recordRefusal, systemAuthor } from './ledger.ts'

const database = await testDatabase()
const { prisma } = database.db
afterAll(() => database.drop())

const EXPIRES = Math.floor(Date.now() / 1000) + 60
const operatorId = randomUUID()

const byOperator = (jti: string, id = operatorId): Author => ({
  requestId: jti,
  principal: { kind: 'operator', operatorId: id, assertion: { jti, expiresAt: EXPIRES } },
})
const byAdmin = (jti: string): Author => ({
  requestId: jti,
  principal: { kind: 'admin', assertion: { jti, expiresAt: EXPIRES } },
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
  it('answers what the work answers, with its audit and its assertion kept beyond the longest skew', async () => {
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

  it('takes an assertion once', async () => {
    await audited(byOperator('once'))
    expect(await refusalOf(audited(byOperator('once')))).toBe('ASSERTION_USED')
    expect(await auditOf('once')).toHaveLength(1)
  })

  it('takes an assertion that comes many times at the same moment once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => refusalOf(audited(byOperator('race')))))
    expect(outcomes.filter((reason) => reason === undefined)).toHaveLength(1)
    expect(outcomes.filter((reason) => reason === 'ASSERTION_USED')).toHaveLength(19)
    expect(await auditOf('race')).toHaveLength(1)
  })

  it('makes the second of two wait for the first, and lets it go on when the first fails', async () => {
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

  it('counts the assertions of each issuer by themselves', async () => {
    await audited(byOperator('shared'))
    await audited(byOperator('shared', randomUUID()))
    await audited(byAdmin('shared'))
    expect(await refusalOf(audited(byAdmin('shared')))).toBe('ASSERTION_USED')
    expect(await usesOf('shared')).toHaveLength(3)
  })

  it('undoes state, audit and assertion together when the work fails', async () => {
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

  it('undoes the state when the audit cannot be written', async () => {
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
  ])('uses no assertion up for $kind', async (principal) => {
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
  it('records without using the assertion up', async () => {
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
    await expect(database.db.pool.query(sql)).rejects.toThrow('audit_logs is append-only')
    expect(await prisma.auditLog.findMany({ orderBy: { id: 'asc' } })).toEqual(before)
  })
})

describe('pruneAssertions', () => {
  it('forgets those that nobody can accept any more, and no others', async () => {
    await prisma.usedAssertion.createMany({ data: [keep('old', -1_000), keep('young', 60_000)] })
    await pruneAssertions(database.db, { read: async () => Date.now() })
    expect(await prisma.usedAssertion.findMany({ where: { issuer: 'p' } })).toMatchObject([{ jti: 'young' }])
  })

  it('lets no assertion be used again that was forgotten, whatever a clock says later', async () => {
    await prisma.deployment.create({ data: { issuer: 'https://auth.example.com' } })
    const author = byOperator(randomUUID())
    await audited(author)
    await pruneAssertions(database.db, { read: async () => (EXPIRES + 3_600) * 1_000 })
    expect(await usesOf(author.requestId)).toEqual([])
    await expect(audited(author)).rejects.toMatchObject({ reason: 'ASSERTION_USED' })
    await prisma.deployment.deleteMany()
  })
})

it('makes the server itself an author, whose passes are told apart', async () => {
  const [one, other] = [systemAuthor('a-job'), systemAuthor('a-job')]
  expect(one.principal).toEqual({ kind: 'system' })
  expect(one.requestId).toMatch(/^a-job-[0-9a-f-]{36}$/)
  expect(one.requestId).not.toBe(other.requestId)
})

it('makes audit ids that list in the order of time', () => {
  const id = auditId()
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) / 1000).toBeCloseTo(Date.now() / 1000, 0)
})

/** Statements of this database that wait for a lock. */
async function waitingStatements(): Promise<number> {
  const { rows } = await database.db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0]?.count ?? 0
}
