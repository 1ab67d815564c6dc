import { afterAll, beforeAll, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { type Db, openDb } from '../platform/db/db.ts'

let database: TestDatabase
let otherDb: Db
let instances: [TestInstance, TestInstance]
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  otherDb = openDb({ url: database.url, poolSize: 10, log: silentLog })
  instances = [await startInstance(database.db), await startInstance(otherDb)]
  agent = await insertAgent(database.db, await freshOperator(database.db))
})
afterAll(async () => {
  await otherDb.close()
  await database.drop()
})

it('issueToken redeems a challenge once when two processes get 200 attempts at the same time', async () => {
  const made = await instances[0].challenge(agent.did)
  const attempts = Array.from({ length: 100 }, () => instances.map(({ redeem }) => redeem(agent, made))).flat()
  const refusals = await Promise.all(attempts.map(refusalOf))
  expect(refusals.filter((reason) => reason === undefined)).toHaveLength(1)
  expect(refusals.filter((reason) => reason === 'CHALLENGE_USED')).toHaveLength(199)
  expect(await database.db.prisma.redemption.count()).toBe(1)
  expect(await database.db.prisma.auditLog.count({ where: { action: 'token.issue' } })).toBe(1)
})

it('issueToken redeems a challenge that another process has created', async () => {
  const made = await instances[1].challenge(agent.did)
  expect(await refusalOf(instances[0].redeem(agent, made))).toBeUndefined()
  expect(await refusalOf(instances[1].redeem(agent, made))).toBe('CHALLENGE_USED')
})

it('issueToken does not redeem a challenge when it refuses the attempt', async () => {
  const [instance] = instances
  const made = await instance.challenge(agent.did)
  expect(await refusalOf(instance.redeem(agent, made, { scope: 'admin' }))).toBe('SCOPE_NOT_ALLOWED')
  expect(await refusalOf(instance.redeem(agent, made, { signature: new Uint8Array(64) }))).toBe('INVALID_SIGNATURE')
  expect(await refusalOf(instance.redeem(agent, made, { scope: 'read' }))).toBeUndefined()
})
