import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLog } from '../../../test/support/database.ts'
import { DAY, type Harness, startHarness } from '../../../test/support/operator-registry.ts'
import type { Author } from '../../ledger/ledger.ts'
import { type Db, openDb } from '../../platform/db/db.ts'
import type { Context } from '../context.ts'
import { registerOperator } from './register.ts'
import { claimDueProofs, expirePending } from './schedule.ts'

const author: Author = { principal: { kind: 'system' }, requestId: 'request-1' }

let harness: Harness
let db: Db
let context: Context

/** When the planner may use only nested loops, it runs an inner query once for every outer row. */
beforeEach(async () => {
  harness = await startHarness()
  const url = new URL(harness.url)
  const off = ['hashjoin', 'mergejoin', 'hashagg', 'sort', 'material', 'memoize'].map((name) => `-c enable_${name}=off`)
  url.searchParams.set('options', off.join(' '))
  db = openDb({ url: url.href, poolSize: 1, log: silentLog })
  context = { ...harness.context, prisma: db.prisma }
})
afterEach(async () => {
  await db.close()
  await harness.stop()
})

test('claimDueProofs claims no more proofs than its limit when the planner uses only nested loops', async () => {
  for (let count = 0; count < 6; count++) await harness.activate(`a${count}.example.com`)
  harness.clock.now += DAY
  expect(await claimDueProofs(context, 2)).toHaveLength(2)
})

test('expirePending removes no more registrations than its limit when the planner uses only nested loops', async () => {
  for (let count = 0; count < 6; count++) await harness.register(`a${count}.example.com`)
  harness.clock.now += 8 * DAY
  expect(await expirePending(context, author, 2)).toBe(2)
  expect(await harness.prisma.operator.count()).toBe(4)
})

test('registerOperator evicts only as many registrations as needed when the planner uses only nested loops', async () => {
  const domain = 'agents.example.com'
  for (let count = 0; count < 4; count++) await harness.register(domain)
  const id = randomUUID()
  await registerOperator(context, author, { id, domain, rootPublicKey: randomBytes(32), rootKeyThumbprint: 'kid' })
  expect(await harness.prisma.operator.count()).toBe(4)
})
