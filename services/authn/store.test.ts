import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { hasPassed } from './store.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

it('asks the database whether a moment has passed', async () => {
  const nowS = Math.floor(Date.now() / 1000)
  expect(await hasPassed(database.db, nowS - 60)).toBe(true)
  expect(await hasPassed(database.db, nowS + 60)).toBe(false)
})
