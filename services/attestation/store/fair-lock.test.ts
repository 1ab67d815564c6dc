import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { lockExclusive, lockShared } from './fair-lock.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const ID = '0198c5f2-7d1e-7a55-9c62-3f1f5f0f6a01'

/** Waits until so many locks of this database are not granted. */
const untilWaiting = (count: number) =>
  expect
    .poll(
      async () =>
        (
          await database.db.pool.query(
            `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
          )
        ).rowCount,
      { timeout: 10_000 },
    )
    .toBe(count)

it('an enrolment that begins after a deletion waits for it, so enrolments cannot delay the deletion without end', async () => {
  const order: string[] = []
  const { prisma } = database.db
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const { promise: locked, resolve: isLocked } = Promise.withResolvers<void>()
  const first = prisma.$transaction(async (tx) => {
    await lockShared(tx, [ID])
    isLocked()
    await held
    order.push('first enrolment')
  })
  await locked
  const deletion = prisma.$transaction(async (tx) => {
    await lockExclusive(tx, ID)
    order.push('deletion')
  })
  await untilWaiting(1)
  const later = prisma.$transaction(async (tx) => {
    await lockShared(tx, [ID])
    order.push('later enrolment')
  })
  await untilWaiting(2)
  release()
  await Promise.all([first, deletion, later])
  expect(order).toEqual(['first enrolment', 'deletion', 'later enrolment'])
})

it('two enrolments do not wait for each other', async () => {
  const { prisma } = database.db
  await prisma.$transaction(async (tx) => {
    await lockShared(tx, [ID])
    await prisma.$transaction((other) => lockShared(other, [ID]))
  })
})
