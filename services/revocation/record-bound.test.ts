import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { silentLog, testDatabase } from '../../test/support/database.ts'
import { asOperator, type TestOperator } from '../../test/support/identity.ts'
import { claimsOf, insertTokenKey } from '../../test/support/tokens.ts'
import { openDb } from '../platform/db/db.ts'
import { createLogStore } from './log-store.ts'

/** Connections of each of the two pools. An operator may have one record more than BOUND for each connection. */
const CONNECTIONS = 10
const BOUND = 20

const database = await testDatabase()
const { prisma, pool } = database.db
const otherDb = openDb({ url: database.url, poolSize: CONNECTIONS, log: silentLog })
const key = await insertTokenKey(database.db, 'retiring')
const instance = await startInstance(database.db, { maxTokenRecords: BOUND })
const other = await startInstance(otherDb, { maxTokenRecords: BOUND })
const store = createLogStore(pool, 'test')
let operator: TestOperator
let agent: TestAgent

beforeEach(async () => {
  operator = await freshOperator(database.db)
  agent = await insertAgent(database.db, operator)
})
afterAll(async () => {
  await otherDb.close()
  await database.drop()
})

const fill = async (count: number) => {
  for (let done = 0; done < count; done += 1) await instance.revoke({ jti: `id-${done}` }, asOperator(operator))
}
const rowsOf = ({ id }: TestOperator) => prisma.revokedToken.count({ where: { operatorId: id } })
const epochOf = async ({ id }: TestOperator) => (await prisma.operator.findUniqueOrThrow({ where: { id } })).epoch
const auditOf = ({ id }: TestOperator, subject: string) =>
  prisma.auditLog.findMany({ where: { operatorId: id, subject } })

async function recordsOf(work: () => Promise<unknown>): Promise<readonly RevocationRecord[]> {
  const { sequence } = await store.head()
  await work()
  return store.recordsAfter(sequence, 1_000)
}

describe('RevokeToken for an operator with the maximum of token records', () => {
  it('ends all tokens of the operator, and writes two audit records and one record of the log', async () => {
    await fill(BOUND)
    const [claims, bystander] = [claimsOf(agent), claimsOf(agent)]
    expect(await instance.verify(key.sign(bystander))).toMatchObject({ valid: true })
    let answer: Awaited<ReturnType<typeof instance.revoke>> | undefined
    const records = await recordsOf(async () => {
      answer = await instance.revoke({ token: key.sign(claims), reason: 'leaked' })
    })
    expect(answer).toMatchObject({ jti: claims.jti, endedOperatorId: operator.id })
    expect(records).toMatchObject([{ kind: 'operator', operatorId: operator.id, minimumEpoch: 2 }])
    for (const ended of [claims, bystander])
      expect(await instance.verify(key.sign(ended))).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
    const [revoked, ended] = [await auditOf(operator, claims.jti), await auditOf(operator, operator.id)]
    expect(revoked).toMatchObject([{ action: 'token.revoke', reason: 'leaked', actor: 'anonymous' }])
    expect(ended).toMatchObject([{ action: 'operator.end-all-tokens', reason: 'TOO_MANY_REVOKED_TOKENS' }])
  })

  it('removes the token records, and a token that is issued later is valid until it is revoked', async () => {
    await fill(BOUND)
    await instance.revoke({ jti: 'one-more' }, asOperator(operator))
    expect(await rowsOf(operator)).toBe(0)
    const later = key.sign(claimsOf(agent, { epoch: [1, 2] }))
    expect(await instance.verify(later)).toMatchObject({ valid: true })
    expect(await instance.revoke({ token: later })).toMatchObject({ endedOperatorId: '' })
    expect(await instance.verify(later)).toMatchObject({ valid: false, reason: 'TOKEN_REVOKED' })
    expect(await epochOf(operator)).toBe(2)
  })

  it('ends no other token when the token was already revoked', async () => {
    await fill(BOUND)
    expect(await instance.revoke({ jti: 'id-0' }, asOperator(operator))).toMatchObject({ endedOperatorId: '' })
    expect(await epochOf(operator)).toBe(1)
  })

  it('ends no token when the assertion was used before', async () => {
    await fill(BOUND - 1)
    await instance.revoke({ jti: 'last' }, asOperator(operator, 'once'))
    await expect(instance.revoke({ jti: 'new' }, asOperator(operator, 'once'))).rejects.toMatchObject({
      reason: 'ASSERTION_USED',
    })
    expect(await epochOf(operator)).toBe(1)
  })

  it('revokes only one token of another operator that has fewer records', async () => {
    await fill(BOUND)
    const { id } = await freshOperator(database.db)
    expect(await instance.revoke({ jti: 'a' }, asOperator({ ...operator, id }))).toMatchObject({
      endedOperatorId: '',
    })
    expect(await rowsOf(operator)).toBe(BOUND)
  })

  it('keeps the bound and ends every token when two processes revoke at the same time', async () => {
    await fill(BOUND - 1)
    const tokens = Array.from({ length: 100 }, () => key.sign(claimsOf(agent)))
    const answers = await Promise.all(
      tokens.map((token, index) => (index % 2 === 0 ? instance : other).revoke({ token })),
    )
    expect(answers.some(({ endedOperatorId }) => endedOperatorId === operator.id)).toBe(true)
    expect(await rowsOf(operator)).toBeLessThanOrEqual(BOUND + 2 * CONNECTIONS)
    const verdicts = await Promise.all(tokens.map((token) => instance.verify(token)))
    expect(verdicts.filter(({ valid }) => valid)).toEqual([])
  })
})
