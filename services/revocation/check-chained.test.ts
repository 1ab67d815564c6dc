import { randomUUID } from 'node:crypto'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../test/support/database.ts'
import { revocationProcesses } from '../../test/support/revocation-processes.ts'
import { until } from '../../test/support/until.ts'

const database = await testDatabase()
const { pool, prisma } = database.db
const { startProcess, stopAll } = revocationProcesses(database)

beforeAll(() => prisma.deployment.create({ data: { issuer: 'https://auth.example' } }))
afterEach(stopAll)
afterAll(() => database.drop())

/** A token for a grant of another deployment, of an agent of which this database has no row. */
async function chainedToken(): Promise<TokenIdentity> {
  const { firstEpoch } = await prisma.deployment.findFirstOrThrow()
  const operatorId = randomUUID()
  const home = { issuer: `https://${operatorId}.example`, generation: 1 }
  const sub = 'did:agent:elsewhere'
  return { jti: randomUUID(), operatorId, sub, agentEpoch: 1, operatorEpoch: firstEpoch, kid: 'k', home }
}

/** Waits until every log follower has applied the log. */
const applied = () =>
  until(
    () => pool.query('SELECT 1 FROM verifiers v, revocation_head h WHERE v.acknowledged < h.sequence'),
    ({ rowCount }) => rowCount === 0,
  )

describe.each([
  ['under a lease', 2_000, { memory: 1, database: 1 }],
  ['without leases', undefined, { memory: 0, database: 2 }],
])('rule k, %s: a token for a grant of another deployment', (_, leaseMs, paths) => {
  it('is valid without rows of its agent, and the database is asked once for a lease', async () => {
    const { tokenStatus, paths: taken } = await startProcess(leaseMs)
    const token = await chainedToken()
    for (let time = 0; time < 2; time += 1) expect(await tokenStatus.check(token)).toBeUndefined()
    expect(taken).toEqual(paths)
  })

  it('is no excuse for a token of this deployment without rows', async () => {
    const { tokenStatus } = await startProcess(leaseMs)
    const { home: _home, ...token } = await chainedToken()
    expect(await tokenStatus.check(token)).toBe('OPERATOR_TOKENS_ENDED')
  })

  it('ends with its own record, and that of another operator does not end it', async () => {
    const { tokenStatus } = await startProcess(leaseMs)
    const [token, other] = [await chainedToken(), await chainedToken()]
    expect(await tokenStatus.checkAll([token, other])).toBeUndefined()
    const expiresAt = new Date(Date.now() + 900_000)
    await prisma.revokedToken.createMany({
      data: [token, other].map(({ jti }) => ({ operatorId: token.operatorId, jti, expiresAt })),
    })
    await applied()
    expect(await tokenStatus.checkAll([other, token])).toEqual({ index: 1, verdict: 'TOKEN_REVOKED' })
  })

  it('ends with all tokens of the deployment, and an epoch from the future is refused', async () => {
    const { tokenStatus } = await startProcess(leaseMs)
    const token = await chainedToken()
    expect(await tokenStatus.check(token)).toBeUndefined()
    const later = { ...token, operatorEpoch: token.operatorEpoch + 1 }
    expect(await tokenStatus.check(later)).toBe('OPERATOR_TOKENS_ENDED')
    await pool.query('UPDATE deployment SET first_epoch = first_epoch + 1')
    await applied()
    expect(await tokenStatus.check(token)).toBe('OPERATOR_TOKENS_ENDED')
    expect(await tokenStatus.check(later)).toBeUndefined()
  })
})
