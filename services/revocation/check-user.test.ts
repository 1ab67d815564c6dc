import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freshOperator } from '../../test/support/authn-agents.ts'
import { testDatabase } from '../../test/support/database.ts'
import { revocationProcesses } from '../../test/support/revocation-processes.ts'
import { until } from '../../test/support/until.ts'
import { providerOf, tokenOfUser } from '../../test/support/users.ts'

const database = await testDatabase()
const { db } = database
const { pool, prisma } = db
const { startProcess, stopAll } = revocationProcesses(database)

beforeAll(() => prisma.deployment.create({ data: { issuer: 'https://auth.example' } }))
afterEach(stopAll)
afterAll(() => database.drop())

/** A user of a new operator, and what verifiers look up about a token of the user. */
async function newUser(sub = 'alice') {
  const { id: operatorId } = await freshOperator(db)
  const { signIn, providerId } = await providerOf(db, operatorId)
  const { subject } = await signIn(sub)
  const set = (columns: string) =>
    pool.query(`UPDATE users SET ${columns} WHERE operator_id = $1 AND subject = $2`, [operatorId, subject])
  return { operatorId, subject, providerId, signIn, set, token: await tokenOfUser(db, operatorId, subject) }
}

/** Waits until every log follower has applied the log. */
const applied = () =>
  until(
    () => pool.query('SELECT 1 FROM verifiers v, revocation_head h WHERE v.acknowledged < h.sequence'),
    ({ rowCount }) => rowCount === 0,
  )

const DISABLE = "status = 'disabled', epoch = epoch + 1, disabled_at = now()"
const REMOVE = `status = 'removed', epoch = epoch + 1, removed_at = now(), provider_id = NULL`

describe.each([
  ['under a lease', 2_000, { memory: 1, database: 1 }],
  ['without leases', undefined, { memory: 0, database: 2 }],
])('a token of a user, %s', (_, leaseMs, paths) => {
  it('is valid, and the database confirms the user once for a lease', async () => {
    const { tokenStatus, paths: taken } = await startProcess(leaseMs)
    const { token } = await newUser()
    for (let time = 0; time < 2; time += 1) expect(await tokenStatus.check(token)).toBeUndefined()
    expect(taken).toEqual(paths)
  })

  it('is refused without a row of the user, at an epoch from the future, and under another operator', async () => {
    const { tokenStatus } = await startProcess(leaseMs)
    const [{ token, subject }, other] = [await newUser(), await newUser()]
    expect(await tokenStatus.check({ ...token, sub: 'user:alice' })).toBe('AGENT_TOKENS_ENDED')
    expect(await tokenStatus.check({ ...token, agentEpoch: 2 })).toBe('AGENT_TOKENS_ENDED')
    expect(await tokenStatus.check({ ...other.token, sub: subject })).toBe('AGENT_TOKENS_ENDED')
  })

  it.each([
    ['is disabled', DISABLE],
    ['is removed', REMOVE],
    ['gets a higher epoch', 'epoch = epoch + 1'],
  ])('ends when the user %s, and the tokens of others do not', async (_ending, columns) => {
    const { tokenStatus } = await startProcess(leaseMs)
    const [{ token, set }, other] = [await newUser(), await newUser()]
    expect(await tokenStatus.checkAll([token, other.token])).toBeUndefined()
    await set(columns)
    await applied()
    expect(await tokenStatus.checkAll([other.token, token])).toEqual({ index: 1, verdict: 'AGENT_TOKENS_ENDED' })
  })

  it('stays ended when the user is enabled, or signs in again after a removal', async () => {
    const { tokenStatus } = await startProcess(leaseMs)
    const [enabled, back] = [await newUser(), await newUser()]
    expect(await tokenStatus.checkAll([enabled.token, back.token])).toBeUndefined()
    await enabled.set(DISABLE)
    await enabled.set("status = 'active', disabled_at = NULL")
    await back.set(REMOVE)
    await back.signIn('alice')
    await applied()
    for (const { token, operatorId, subject } of [enabled, back]) {
      expect(await tokenStatus.check(token)).toBe('AGENT_TOKENS_ENDED')
      expect(await tokenStatus.check(await tokenOfUser(db, operatorId, subject))).toBeUndefined()
    }
  })

  it('ends with its operator and with the identity provider', async () => {
    const { tokenStatus } = await startProcess(leaseMs)
    const [one, two] = [await newUser(), await newUser()]
    expect(await tokenStatus.checkAll([one.token, two.token])).toBeUndefined()
    await pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [one.operatorId])
    await prisma.identityProvider.delete({ where: { id: two.providerId } })
    await applied()
    expect(await tokenStatus.check(one.token)).toBe('OPERATOR_TOKENS_ENDED')
    expect(await tokenStatus.check(two.token)).toBe('TRUST_ENDED')
  })
})

it('a user that is not active confirms no token, also at the epoch of the row', async () => {
  const { tokenStatus } = await startProcess(undefined)
  const { operatorId, subject, set } = await newUser()
  for (const status of ['disabled', 'removed']) {
    await set(`status = '${status}', epoch = epoch + 1`)
    expect(await tokenStatus.check(await tokenOfUser(db, operatorId, subject))).toBe('AGENT_TOKENS_ENDED')
  }
})
