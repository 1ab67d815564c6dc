import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EndAllTokensOfDeploymentRequestSchema } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { ISSUER, startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { adminPrincipal } from '../../test/support/principals.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { until } from '../../test/support/until.ts'
import type { Call } from '../calls/call.ts'

let database: TestDatabase
let instance: TestInstance
let other: TestInstance
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
  instance = await startInstance(database.db)
  other = await startInstance(database.db)
  agent = await insertAgent(database.db, await freshOperator(database.db))
})
afterAll(() => database.drop())

function endAll(jti: string) {
  const expiresAt = Math.floor(Date.now() / 1000) + 60
  const call: Call = { requestId: jti, principal: adminPrincipal({ jti, expiresAt }) }
  const request = create(EndAllTokensOfDeploymentRequestSchema, { reason: 'restored from a backup' })
  return instance.revocation.module.handlers.endAllTokensOfDeployment(request, call)
}

describe('EndAllTokensOfDeployment', () => {
  it('ends every earlier token, also one with an epoch that the restored backup does not have', async () => {
    const { prisma } = database.db
    const operator = { id: agent.operatorId }
    const before = await instance.issue(agent)
    await prisma.operator.update({ where: operator, data: { epoch: { increment: 5 }, version: { increment: 1 } } })
    const later = await other.issue(agent)
    // Puts the database back to its state before those five changes. Only a restore can lower an epoch.
    await prisma.$transaction([
      prisma.$executeRaw`ALTER TABLE operators DISABLE TRIGGER operators_only_rise`,
      prisma.$executeRaw`UPDATE operators SET epoch = epoch - 5 WHERE id = ${agent.operatorId}::uuid`,
      prisma.$executeRaw`ALTER TABLE operators ENABLE TRIGGER operators_only_rise`,
    ])
    expect(await instance.verify(later)).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
    await endAll('restore-1')
    for (const token of [before, later]) {
      expect(await other.verify(token)).toMatchObject({ valid: false, revoked: true, reason: 'OPERATOR_TOKENS_ENDED' })
    }
    // A process notices that its challenge key is gone when the first challenge sealed under it is redeemed.
    expect(await refusalOf(instance.issue(agent))).toBe('CHALLENGE_NOT_FOUND')
    expect(await other.verify(await instance.issue(agent))).toMatchObject({ valid: true })
  })

  it('ends the tokens from after an earlier restore of the same backup', async () => {
    const { prisma } = database.db
    const clock = async () => {
      const [row] = await prisma.$queryRaw<{ ms: number }[]>`
        SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms`
      return row?.ms ?? 0
    }
    // The backup is from before all other tests.
    const restore = () => prisma.deployment.update({ where: { id: 1 }, data: { firstEpoch: 1 } })
    await restore()
    await endAll('restore-once')
    expect(await refusalOf(instance.issue(agent))).toBe('CHALLENGE_NOT_FOUND')
    const token = await instance.issue(agent)
    const issuedAt = await clock()
    await until(clock, (now) => now > issuedAt + 1_000)
    await restore()
    await endAll('restore-twice')
    expect(await other.verify(token)).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
    expect(await refusalOf(instance.issue(agent))).toBe('CHALLENGE_NOT_FOUND')
  })

  it('voids every earlier challenge, also in processes that still have its challenge key in memory', async () => {
    const held = await Promise.all([instance.challenge(agent.did), other.challenge(agent.did)])
    await endAll('restore-2')
    for (const challenge of held) expect(await refusalOf(other.redeem(agent, challenge))).toBe('CHALLENGE_NOT_FOUND')
    expect(await other.verify(await other.issue(agent))).toMatchObject({ valid: true })
  })

  it('gives an operator that registers again an epoch above its old tokens', async () => {
    const { minimumEpoch } = await endAll('restore-3')
    expect(await refusalOf(instance.issue(agent))).toBe('CHALLENGE_NOT_FOUND')
    const again = await insertAgent(database.db, await freshOperator(database.db))
    const token = await instance.issue(again)
    expect(await instance.verify(token)).toMatchObject({ valid: true, claims: { epoch: [1, minimumEpoch] } })
  })

  it('lets the operator epoch rise further, above the minimum epoch', async () => {
    const { minimumEpoch = 0 } = await endAll('restore-raise')
    expect(await refusalOf(instance.issue(agent))).toBe('CHALLENGE_NOT_FOUND')
    const token = await instance.issue(agent)
    const raised = await database.db.prisma.operator.update({
      where: { id: agent.operatorId },
      data: { epoch: { increment: 1 }, version: { increment: 1 } },
    })
    expect(raised.epoch).toBe(minimumEpoch + 1)
    expect(await instance.verify(token)).toMatchObject({ valid: false, reason: 'OPERATOR_TOKENS_ENDED' })
    expect(await instance.verify(await instance.issue(agent))).toMatchObject({ valid: true })
  })

  it('writes one record to the log and one entry to the audit, for any number of operators', async () => {
    const { prisma } = database.db
    const { sequence } = await prisma.revocationHead.findUniqueOrThrow({ where: { id: 1 } })
    await endAll('restore-4')
    const records = await prisma.revocationLog.findMany({ where: { sequence: { gt: sequence } } })
    expect(records).toMatchObject([{ kind: 'deployment' }])
    const audit = await prisma.auditLog.findMany({ where: { requestId: 'restore-4' } })
    expect(audit).toMatchObject([
      { action: 'deployment.end-all-tokens', actor: 'admin', operatorId: null, reason: 'restored from a backup' },
    ])
  })

  it('refuses an assertion that was used before', async () => {
    expect(await refusalOf(endAll('restore-4'))).toBe('ASSERTION_USED')
  })
})
