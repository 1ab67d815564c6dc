import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { asOperator, type TestOperator } from '../../test/support/identity.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { claimsOf, insertTokenKey } from '../../test/support/tokens.ts'

const database = await testDatabase()
const { prisma } = database.db
const key = await insertTokenKey(database.db, 'retiring')
const instance = await startInstance(database.db, { maxTokenRecords: 2 })
let operator: TestOperator
let agent: TestAgent

beforeAll(async () => {
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})
afterAll(() => database.drop())

const count = () => prisma.signedRequest.count()
const auditOf = (subject: string) => prisma.auditLog.findMany({ where: { subject }, orderBy: { id: 'asc' } })

describe('RevokeToken', () => {
  it('keeps the signed request of an operator once, also for a token that was already revoked', async () => {
    await instance.revoke({ jti: 'one' }, asOperator(operator))
    const [record] = await auditOf('one')
    expect(record).toMatchObject({ kid: 'k'.repeat(43), keyLabel: 'laptop' })
    const kept = await prisma.signedRequest.findUnique({ where: { id: record?.signedRequestId ?? '' } })
    expect(kept).toMatchObject({ rpc: 'POST /v1/x', signatures: ['header.payload.signature'], body: new Uint8Array() })
    const before = await count()
    await instance.revoke({ jti: 'one' }, asOperator(operator))
    expect(await count()).toBe(before)
  })

  it('keeps nothing for an assertion that was used, and for an anonymous caller', async () => {
    const call = asOperator(operator)
    await instance.revoke({ jti: 'two' }, call)
    const before = await count()
    expect(await refusalOf(instance.revoke({ jti: 'three' }, call))).toBe('ASSERTION_USED')
    const claims = claimsOf(await insertAgent(database.db, await freshOperator(database.db)))
    await instance.revoke({ token: key.sign(claims) })
    expect(await count()).toBe(before)
    expect(await auditOf(claims.jti)).toMatchObject([{ kid: '', signedRequestId: null }])
  })

  it('is never refused for what its operator has stored, and beyond the reserve keeps its audit record alone', async () => {
    const other = await freshOperator(database.db)
    const storage = { bytesPerDay: 3_000, claim: 'always' } as const
    const revoke = (jti: string) => instance.revoke({ jti }, { ...asOperator(other), storage })
    const kept: number[] = []
    for (let n = 1; n <= 7; n += 1) {
      const before = await count()
      await revoke(`many-${n % 2}-${n}`)
      expect(await auditOf(`many-${n % 2}-${n}`)).toHaveLength(1)
      kept.push((await count()) - before)
      await prisma.revokedToken.deleteMany({ where: { operatorId: other.id } })
    }
    // Each costs a little more than 1 KiB.
    expect(kept).toEqual([1, 1, 1, 1, 1, 0, 0])
    const [total] = await prisma.operatorTotal.findMany({ where: { operatorId: other.id } })
    expect(total?.what).toBe('bytes')
  })

  it('names one signed request in both records when it ends all tokens of the operator', async () => {
    const claims = claimsOf(agent)
    const before = await count()
    const call = asOperator(operator)
    expect(await instance.revoke({ jti: claims.jti }, call)).toMatchObject({ endedOperatorId: operator.id })
    expect(await count()).toBe(before + 1)
    const ids = [...(await auditOf(claims.jti)), ...(await auditOf(operator.id))].map(
      (record) => record.signedRequestId,
    )
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).not.toBeNull()
  })
})
