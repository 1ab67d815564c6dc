import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts'
import { claimIssuer } from './claim-issuer.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

it('claimIssuer gives a database to exactly one of two issuers that claim it at the same time', async () => {
  const { prisma } = database.db
  const issuers = ['https://a.example', 'https://b.example']
  const claims = await Promise.allSettled(issuers.map((issuer) => claimIssuer(prisma, issuer)))
  const [winner, loser] = claims[0]?.status === 'fulfilled' ? issuers : issuers.toReversed()
  expect(claims.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  await claimIssuer(prisma, winner ?? '')
  await expect(claimIssuer(prisma, loser ?? '')).rejects.toThrow(`belongs to the issuer ${winner}`)
})
