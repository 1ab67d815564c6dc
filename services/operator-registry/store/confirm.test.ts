import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Operator } from '../../../gen/prisma/client.ts'
import { DAY, type Harness, startHarness } from '../../../test/support/operator-registry.ts'
import { until } from '../../../test/support/until.ts'
import type { Author } from '../../ledger/ledger.ts'
import { type Settled, settleProof } from './confirm.ts'
import { enterDomain } from './operators.ts'

const DOMAIN = 'agents.example.com'
const author: Author = { principal: { kind: 'anonymous' }, requestId: 'request-1' }

let harness: Harness
let first: Operator
let second: Operator
beforeEach(async () => {
  harness = await startHarness()
  first = await register()
  second = await register()
})
afterEach(() => harness.stop())

const register = async () => harness.operator((await harness.register(DOMAIN)).id)
const remove = ({ id }: Operator) => harness.prisma.operator.delete({ where: { id } })
const actions = async ({ id }: Operator) => (await harness.audit(id)).map(({ action }) => action)
const settle = (operator: Operator) => settleProof(harness.context, author, operator, operator.rootKeyThumbprint)

test('settleProof makes one operator the owner and the other wait when two prove a domain at the same time', async () => {
  const settled = await Promise.all([settle(first), settle(second)])
  expect(settled.map(({ kind }) => kind).toSorted()).toEqual(['verified', 'waiting'])
  const statuses = await harness.prisma.operator.findMany({ select: { status: true, takeoverAt: true } })
  expect(statuses.map(({ status }) => status).toSorted()).toEqual(['active', 'pending'])
  expect(statuses.find(({ status }) => status === 'pending')?.takeoverAt).toEqual(new Date(harness.clock.now + DAY))
})

describe('settleProof', () => {
  test('makes the operator wait when the domain got another owner during the DNS look-up', async () => {
    await settle(first)
    expect(await settle(second)).toEqual({ kind: 'waiting', until: new Date(harness.clock.now + DAY) })
  })

  test('refuses the proof when the owner was suspended during the DNS look-up', async () => {
    await settle(first)
    await harness.admin().suspendOperator({ id: first.id })
    const before = await harness.everything()
    await expect(settle(first)).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
    await expect(settle(second)).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
    expect(await harness.everything()).toBe(before)
  })

  test('refuses the proof when the operator was released during the DNS look-up', async () => {
    await harness.prisma.operator.update({ where: { id: first.id }, data: { status: 'released' } })
    await expect(settle(first)).rejects.toMatchObject({ reason: 'OPERATOR_RELEASED' })
  })
})

describe('settleProof of a registration that was removed during the DNS look-up', () => {
  test('inserts the registration again as the owner of the domain', async () => {
    await remove(first)
    expect(await settle(first)).toEqual({ kind: 'verified', at: new Date(harness.clock.now) })
    const { id, domain, rootPublicKey, rootKeyThumbprint } = first
    const again = { id, domain, rootPublicKey, rootKeyThumbprint, status: 'active', epoch: 1, expiresAt: null }
    expect(await harness.operator(id)).toMatchObject(again)
    expect(await actions(first)).toEqual(['operator.register', 'operator.register', 'operator.confirm'])
  })

  test('inserts the registration again and makes it wait when the domain has another owner', async () => {
    await settle(second)
    await remove(first)
    expect(await settle(first)).toMatchObject({ kind: 'waiting' })
    expect((await harness.operator(first.id)).takeoverAt).toEqual(new Date(harness.clock.now + DAY))
  })

  test('does not insert the registration again when it refuses the proof', async () => {
    await settle(second)
    await harness.admin().suspendOperator({ id: second.id })
    await remove(first)
    const before = await harness.everything()
    await expect(settle(first)).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
    expect(await harness.everything()).toBe(before)
  })

  test('does not insert the registration twice when another transaction inserts it at the same time', async () => {
    await remove(first)
    await remove(second)
    let settled: Promise<Settled> | undefined
    await harness.prisma.$transaction(async (tx) => {
      await enterDomain(tx, DOMAIN)
      settled = settle(first)
      await until(countWaiting, (count) => count === 1)
      await tx.operator.create({ data: { ...first, rootPublicKey: Uint8Array.from(first.rootPublicKey) } })
    })
    expect(await settled).toMatchObject({ kind: 'verified' })
    expect(await actions(first)).toEqual(['operator.register', 'operator.confirm'])
  })
})

async function countWaiting(): Promise<number> {
  const [row] = await harness.prisma.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  return Number(row?.count)
}
