import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { adminPrincipal, operatorPrincipal } from '../../test/support/principals.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { requestBody } from '../calls/request-body.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { type Author, change, recordRefusal } from './ledger.ts'
import type { SignedCall } from './principal.ts'

const database = await testDatabase()
const { prisma } = database.db
afterAll(() => database.drop())

const operatorId = randomUUID()
const expiresAt = Math.floor(Date.now() / 1000) + 60
const bytes = Buffer.from('{"reason":"x"}')
const DIGEST = requestBody(() => bytes).digest()
const CALL: SignedCall = {
  rpc: 'POST /v1/x',
  signatures: ['the assertion', 'an approval'],
  body: requestBody(() => bytes),
  isBodySecret: false,
}

/** Returns an operator that has signed a call. The id of the request is also the id of its assertion. */
function byOperator(requestId: string, signed: Partial<SignedCall> = {}): Author {
  const principal = operatorPrincipal(operatorId, { jti: requestId, expiresAt })
  return { requestId, principal: { ...principal, signed: { ...CALL, ...signed } } }
}

const entry = (subject: string) => ({ action: 'agent.suspend' as const, subject, operatorId })
const audited = (author: Author, times = 1) =>
  change(prisma, author, async (_tx, audit) => {
    for (let done = 0; done < times; done += 1) await audit(entry(`${done}`))
  })
const requests = () => prisma.signedRequest.findMany({ orderBy: { id: 'asc' } })

/** Returns the rows of signed_requests that the work adds. */
async function added(work: () => Promise<unknown>) {
  const before = new Set((await requests()).map(({ id }) => id))
  await work()
  return (await requests()).filter(({ id }) => !before.has(id))
}

describe('change', () => {
  it('keeps the signed request of an operator, and names it and its key in every audit record', async () => {
    const rows = await added(() => audited(byOperator('two'), 2))
    expect(rows).toMatchObject([{ rpc: CALL.rpc, signatures: CALL.signatures, bodyDigest: DIGEST }])
    expect(Buffer.from(rows[0]?.body ?? []).equals(bytes)).toBe(true)
    const records = await prisma.auditLog.findMany({ where: { requestId: 'two' } })
    const named = { kid: 'k'.repeat(43), keyLabel: 'laptop', signedRequestId: rows[0]?.id }
    expect(records).toMatchObject([named, named])
  })

  it('keeps the signed request of the administrator', async () => {
    const author = { requestId: 'admin', principal: adminPrincipal({ jti: 'admin', expiresAt }) }
    expect(await added(() => audited(author))).toMatchObject([{ rpc: 'POST /v1/x' }])
  })

  it.each<[string, Partial<SignedCall>, { body: null; bodyDigest: string }]>([
    ['a secret body', { isBodySecret: true }, { body: null, bodyDigest: DIGEST }],
    ['a body that an older gateway has not sent', { body: undefined }, { body: null, bodyDigest: '' }],
  ])('does not keep %s', async (name, signed, row) => {
    expect(await added(() => audited(byOperator(name, signed)))).toMatchObject([row])
  })

  it.each<[string, Author['principal']]>([
    ['nobody', { kind: 'anonymous' }],
    ['the server', { kind: 'system' }],
    ['an agent', { kind: 'agent', did: 'did:agent:a.example:21fe31dfa154a261626bf854046fd227' }],
  ])('keeps nothing for a change by %s', async (requestId, principal) => {
    expect(await added(() => audited({ requestId, principal }))).toEqual([])
    expect(await prisma.auditLog.findMany({ where: { requestId } })).toMatchObject([
      { kid: '', keyLabel: '', signedRequestId: null },
    ])
  })

  it('keeps nothing when the work writes no audit, when it fails, and when the assertion was used', async () => {
    expect(await added(() => audited(byOperator('silent'), 0))).toEqual([])
    const fail = () =>
      change(prisma, byOperator('failing'), async (_tx, audit) => {
        await audit(entry('x'))
        throw new ApiError('AGENT_REVOKED')
      })
    expect(await added(() => refusalOf(fail()))).toEqual([])
    await audited(byOperator('used'))
    expect(await added(() => refusalOf(audited(byOperator('used'))))).toEqual([])
  })
})

it('recordRefusal names the key, but keeps no request', async () => {
  const rows = await added(() =>
    recordRefusal(prisma, byOperator('refused'), { ...entry('x'), reason: 'AGENT_REVOKED' }),
  )
  expect(rows).toEqual([])
  expect(await prisma.auditLog.findMany({ where: { requestId: 'refused' } })).toMatchObject([
    { kid: 'k'.repeat(43), keyLabel: 'laptop', signedRequestId: null },
  ])
})

describe('signed_requests', () => {
  it.each([
    ['UPDATE', `UPDATE signed_requests SET rpc = 'x'`],
    ['DELETE', 'DELETE FROM signed_requests'],
    ['TRUNCATE', 'TRUNCATE signed_requests'],
  ])('refuses %s', async (_name, sql) => {
    await audited(byOperator(randomUUID()))
    await expect(database.db.pool.query(sql)).rejects.toThrow(/^signed_requests(_first)? is append-only$/)
  })
})
