import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertOperator, type TestOperator } from '../../test/support/identity.ts'
import { type RedemptionOf, redemptions } from '../../test/support/redemptions.ts'
import { listParentDomains } from '../operator-registry/index.ts'
import type { SeenOwner } from './known-owners.ts'
import { createRedeemer, type Redeemer } from './redeemer.ts'
import { readTimeline } from './timeline.ts'

const own = 'shop.test'
let database: TestDatabase
let at: TestOperator
let redemption: RedemptionOf
let redeem: Redeemer

beforeAll(async () => {
  database = await testDatabase()
  ;({ redemption } = await redemptions(database.db))
  redeem = createRedeemer(database.db.pool, await readTimeline(database.db.pool))
  at = await insertOperator(database.db, own, 'active')
  await insertOperator(database.db, `waiting.${own}`, 'pending')
  await insertOperator(database.db, `lapsed.${own}`, 'lapsed')
})
afterAll(() => database.drop())

const seen = (host: string, operatorId = at.id, version = 1): SeenOwner => ({
  domains: listParentDomains(host),
  operatorId,
  version,
})
const NOBODY = ''

it.each<[string, string, () => readonly SeenOwner[]]>([
  ['redeemed', 'the owner of the domain', () => [seen(own)]],
  ['redeemed', 'the owner of the parent domain', () => [seen(`api.${own}`)]],
  ['redeemed', 'the owner of the parent of a domain that is pending', () => [seen(`waiting.${own}`)]],
  ['redeemed', 'nobody for a domain without an owner', () => [seen('nobody.test', NOBODY, 0)]],
  ['redeemed', 'nobody for an address', () => [seen('[::1]', NOBODY, 0)]],
  ['redeemed', 'several owners', () => [seen(own), seen('nobody.test', NOBODY, 0)]],
  ['stale', 'another version', () => [seen(own, at.id, 2)]],
  ['stale', 'another owner', () => [seen(own, randomUUID())]],
  ['stale', 'the owner of the parent of a domain that has lapsed', () => [seen(`lapsed.${own}`)]],
  ['stale', 'nobody for a domain that has an owner', () => [seen(own, NOBODY, 0)]],
  ['stale', 'an owner for a domain without one', () => [seen('nobody.test')]],
  ['stale', 'several owners, of which the last has changed', () => [seen(`api.${own}`), seen(own, at.id, 2)]],
])('a redemption is %s for %s', async (kind, _, owners) => {
  expect((await redeem(redemption({ owners: owners() }))).kind).toBe(kind)
  expect(
    (
      await redeem(
        redemption({ owners: owners(), dpopId: randomUUID(), dpopKeepUntil: Math.floor(Date.now() / 1000) + 60 }),
      )
    ).kind,
  ).toBe(kind)
})

it('each redemption of a statement has its own owners', async () => {
  const inputs = [redemption({ owners: [seen(own, at.id, 2)] }), redemption({ owners: [seen(own)] }), redemption()]
  expect((await Promise.all(inputs.map(redeem))).map(({ kind }) => kind)).toEqual(['stale', 'redeemed', 'redeemed'])
})
