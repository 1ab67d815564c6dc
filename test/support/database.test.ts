import { afterAll, expect, it } from 'vitest'
import { testDatabase } from './database.ts'

const databases = await Promise.all([testDatabase(), testDatabase()])
const [{ db, url }, other] = databases

afterAll(() => Promise.all(databases.map((database) => database.drop())))

it('testDatabase gives every caller its own migrated database', async () => {
  await db.prisma.revokedToken.create({
    data: { operatorId: '00000000-0000-8000-8000-000000000000', jti: 'a', expiresAt: new Date() },
  })
  expect(await db.prisma.revokedToken.count()).toBe(1)
  expect(await other.db.prisma.revokedToken.count()).toBe(0)
  expect(url).not.toBe(other.url)
})
