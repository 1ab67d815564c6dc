import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { hasPassed, pruneRedemptions } from './store.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const row = (minutes: number) => ({
  challengeId: crypto.randomUUID(),
  jti: crypto.randomUUID(),
  agentId: crypto.randomUUID(),
  keyThumbprint: 'x',
  keepUntil: new Date(Date.now() + minutes * 60_000),
})

it('removes all redemptions whose time is over, however many batches they are, and no other', async () => {
  const kept = row(1)
  await database.db.prisma.redemption.createMany({ data: [kept, ...Array.from({ length: 7 }, () => row(-1))] })
  await pruneRedemptions(database.db, 3)
  expect(await database.db.prisma.redemption.findMany()).toMatchObject([{ challengeId: kept.challengeId }])
})

it('asks the database whether a moment has passed', async () => {
  const nowS = Math.floor(Date.now() / 1000)
  expect(await hasPassed(database.db, nowS - 60)).toBe(true)
  expect(await hasPassed(database.db, nowS + 60)).toBe(false)
})
