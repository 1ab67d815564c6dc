import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Author } from '../../shared/ledger/ledger.ts'
import { DAY, type Harness, type Registered, startHarness } from '../testing/harness.ts'
import { settleProof } from './confirm.ts'

const DOMAIN = 'agents.example.com'
const author: Author = { principal: { kind: 'anonymous' }, requestId: 'request-1' }

let harness: Harness
let first: Registered
let second: Registered
beforeEach(async () => {
  harness = await startHarness()
  first = await harness.register(DOMAIN)
  second = await harness.register(DOMAIN)
})
afterEach(() => harness.stop())

const settle = ({ id }: Registered) => settleProof(harness.context, author, { operatorId: id, domain: DOMAIN })

test('two proofs of a free domain at once make one owner, and the other waits', async () => {
  const settled = await Promise.all([settle(first), settle(second), settle(first), settle(second)])
  expect(settled.map(({ kind }) => kind).toSorted()).toEqual(['verified', 'verified', 'waiting', 'waiting'])
  const statuses = await harness.prisma.operator.findMany({ select: { status: true, takeoverAt: true } })
  expect(statuses.map(({ status }) => status).toSorted()).toEqual(['active', 'pending'])
  expect(statuses.find(({ status }) => status === 'pending')?.takeoverAt).toEqual(new Date(harness.clock.now + DAY))
})

describe('a proof is judged by the state after the look-up', () => {
  test('the domain has got another owner: it waits', async () => {
    await settle(first)
    expect(await settle(second)).toEqual({ kind: 'waiting', until: new Date(harness.clock.now + DAY) })
  })

  test('the owner has been suspended: it is refused', async () => {
    await settle(first)
    await harness.admin().suspendOperator({ id: first.id })
    const before = await harness.everything()
    await expect(settle(first)).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
    await expect(settle(second)).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
    expect(await harness.everything()).toBe(before)
  })

  test('the operator has been released: it is refused', async () => {
    await harness.as(first.id).releaseDomain({ id: first.id })
    await expect(settle(first)).rejects.toMatchObject({ reason: 'OPERATOR_RELEASED' })
  })

  test('the registration has been removed: it is not found', async () => {
    await harness.prisma.operator.delete({ where: { id: first.id } })
    await expect(settle(first)).rejects.toMatchObject({ reason: 'OPERATOR_NOT_FOUND' })
  })
})
