import { afterEach, beforeEach, expect, it } from 'vitest'
import { startInstance, type TestInstance } from '../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

let database: TestDatabase
let instance: TestInstance
let agent: TestAgent

beforeEach(async () => {
  database = await testDatabase()
  instance = await startInstance(database.db)
  agent = await insertAgent(database.db, await freshOperator(database.db))
})
afterEach(() => database.drop())

const redemption = (minutes: number) => ({
  challengeId: crypto.randomUUID(),
  jti: crypto.randomUUID(),
  agentId: crypto.randomUUID(),
  keyThumbprint: 'x',
  keepUntil: new Date(Date.now() + minutes * 60_000),
})

it('createChallenge answers UNAVAILABLE and writes nothing after days without the jobs, until they have run once', async () => {
  instance.clock.offsetMs = 5 * 24 * 3_600_000
  const before = await authnState(database.db)
  expect(await refusalOf(instance.challenge(agent.did))).toBe('UNAVAILABLE')
  expect(await authnState(database.db)).toEqual(before)
  await instance.runJobs()
  expect(await refusalOf(instance.challenge(agent.did))).toBeUndefined()
})

it('the redemptions job removes only the redemptions whose keep_until has passed', async () => {
  const kept = redemption(1)
  await database.db.prisma.redemption.createMany({ data: [kept, redemption(-1)] })
  await instance.runJobs()
  expect(await database.db.prisma.redemption.findMany()).toMatchObject([{ challengeId: kept.challengeId }])
})
