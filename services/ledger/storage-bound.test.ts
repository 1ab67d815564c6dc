import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { adminPrincipal, operatorPrincipal } from '../../test/support/principals.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { requestBody } from '../calls/request-body.ts'
import { type Author, change } from './ledger.ts'
import { costOf, pruneTotals, type StorageClaim } from './storage-bound.ts'

const database = await testDatabase()
const { prisma, pool } = database.db
afterAll(() => database.drop())

const EXPIRES = Math.floor(Date.now() / 1000) + 60
const BODY = Buffer.alloc(10_000, 'x')
/** What one change of these tests costs. */
const COST = costOf({ signatures: ['sig'], body: BODY }, 1)
const AGENT = 'did:agent:a.example:21fe31dfa154a261626bf854046fd227'

interface Terms {
  readonly claim?: StorageClaim
  /** How many changes of these tests fit into a day. */
  readonly fits?: number
  readonly isRoot?: boolean
}

function author(operatorId: string, { claim = 'usual', fits = 3, isRoot = false }: Terms = {}): Author {
  const id = randomUUID()
  const principal = operatorPrincipal(operatorId, { jti: id, expiresAt: EXPIRES })
  const signed = { rpc: 'POST /v1/x', signatures: ['sig'], body: requestBody(() => BODY), isBodySecret: false }
  const root = isRoot ? { root: { manifestSeq: 0, approvals: [] } } : {}
  return { requestId: id, principal: { ...principal, signed, ...root }, storage: { bytesPerDay: fits * COST, claim } }
}

const run = (by: Author) =>
  change(prisma, by, async (tx, audit) => {
    await tx.revokedToken.create({ data: { operatorId: randomUUID(), jti: by.requestId, expiresAt: new Date() } })
    await audit({ action: 'agent.suspend', subject: by.requestId })
  })
const outcomes = async (operatorId: string, count: number, terms: Terms = {}) => {
  const all = []
  for (let done = 0; done < count; done += 1) all.push(await refusalOf(run(author(operatorId, terms))))
  return all
}
const done = (count: number) => Array.from({ length: count }, () => undefined)
const stored = async (by: Author) => ({
  changes: await prisma.revokedToken.count({ where: { jti: by.requestId } }),
  audit: await prisma.auditLog.count({ where: { requestId: by.requestId } }),
  uses: await prisma.usedAssertion.count({ where: { jti: by.requestId } }),
})
const requestsOf = async (by: Author) => {
  const [record] = await prisma.auditLog.findMany({ where: { requestId: by.requestId } })
  return prisma.signedRequest.count({ where: { id: record?.signedRequestId ?? randomUUID() } })
}
const amountOf = async (operatorId: string) =>
  (await prisma.operatorTotal.findMany({ where: { operatorId, what: 'bytes' } })).map(({ amount }) => Number(amount))

describe('the bound on what the changes of an operator store in a day', () => {
  it('refuses the change beyond it with the time to wait, and stores nothing of it', async () => {
    const operatorId = randomUUID()
    expect(await outcomes(operatorId, 3)).toEqual(done(3))
    const beyond = author(operatorId)
    const error: unknown = await run(beyond).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: 'RATE_LIMITED', message: expect.stringContaining('MiB a day (UTC)') })
    const rest = Math.ceil(86_400 - ((Date.now() / 1000) % 86_400))
    expect(Math.abs(((error as { retryAfter?: number }).retryAfter ?? 0) - rest)).toBeLessThan(60)
    expect(await stored(beyond)).toEqual({ changes: 0, audit: 0, uses: 0 })
    expect(await amountOf(operatorId)).toEqual([3 * COST])
  })

  it('is that of each operator', async () => {
    expect(await outcomes(randomUUID(), 4)).toEqual([...done(3), 'RATE_LIMITED'])
    expect(await outcomes(randomUUID(), 1)).toEqual(done(1))
  })

  it('holds exactly when eight changes of one operator run at the same time', async () => {
    const operatorId = randomUUID()
    const all = await Promise.all(Array.from({ length: 8 }, () => refusalOf(run(author(operatorId, { fits: 5 })))))
    expect(all.filter((reason) => reason === undefined)).toHaveLength(5)
    expect(all.filter((reason) => reason === 'RATE_LIMITED')).toHaveLength(3)
    expect(await amountOf(operatorId)).toEqual([5 * COST])
  })

  it.each<[string, Terms]>([
    ['a call that can end tokens', { claim: 'reserve' }],
    ['a call with the agreement of root keys', { isRoot: true }],
  ])('lets %s use the reserve, which other calls cannot use up', async (_, terms) => {
    const operatorId = randomUUID()
    expect(await outcomes(operatorId, 4)).toEqual([...done(3), 'RATE_LIMITED'])
    expect(await outcomes(operatorId, 4, terms)).toEqual([...done(3), 'RATE_LIMITED'])
  })

  it('never refuses a call that takes authority away; beyond the reserve it keeps its audit record alone', async () => {
    const operatorId = randomUUID()
    const always = () => author(operatorId, { claim: 'always' })
    const kept = Array.from({ length: 6 }, always)
    for (const by of kept) await run(by)
    expect(await Promise.all(kept.map(requestsOf))).toEqual([1, 1, 1, 1, 1, 1])
    const beyond = always()
    await run(beyond)
    expect(await stored(beyond)).toEqual({ changes: 1, audit: 1, uses: 1 })
    expect(await requestsOf(beyond)).toBe(0)
  })

  it('counts changes by agents of the operator, and neither the administrator nor a change without a record', async () => {
    const operatorId = randomUUID()
    const storage = { bytesPerDay: 1_500, claim: 'usual' } as const
    const byAgent = () => ({ requestId: 'x', principal: { kind: 'agent', did: AGENT, operatorId } as const, storage })
    const silent = { ...author(operatorId), storage }
    await change(prisma, silent, async () => 'nothing')
    expect(await amountOf(operatorId)).toEqual([])
    expect(await refusalOf(run({ ...byAgent(), requestId: randomUUID() }))).toBeUndefined()
    expect(await refusalOf(run({ ...byAgent(), requestId: randomUUID() }))).toBe('RATE_LIMITED')
    for (const jti of [randomUUID(), randomUUID()]) {
      const admin = { requestId: jti, principal: adminPrincipal({ jti, expiresAt: EXPIRES }), storage }
      expect(await refusalOf(run(admin))).toBeUndefined()
    }
  })
})

it('pruneTotals removes sums of days that are over, and no other number', async () => {
  const operatorId = randomUUID()
  const today = Math.floor(Date.now() / 86_400_000)
  const row = (what: string, day: number) => ({ operatorId, what, day, amount: 1n })
  await prisma.operatorTotal.createMany({
    data: [row('bytes', today), row('bytes', today - 2), row('bytes', today - 3), row('agents', 0)],
  })
  await pruneTotals(pool)
  const left = await prisma.operatorTotal.findMany({ where: { operatorId }, orderBy: { day: 'asc' } })
  expect(left.map(({ day }) => day)).toEqual([0, today])
})
