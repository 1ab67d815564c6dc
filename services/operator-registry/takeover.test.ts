import { timestampMs } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DAY, type Harness, HOUR, type Registered, startHarness } from '../../test/support/operator-registry.ts'

const DOMAIN = 'agents.example.com'
let harness: Harness
let owner: Registered
let newcomer: Registered

beforeEach(async () => {
  harness = await startHarness()
  owner = await harness.activate(DOMAIN)
  newcomer = await harness.register(DOMAIN)
})
afterEach(() => harness.stop())

const confirm = ({ id }: Registered) => harness.anybody.confirmDomain({ id })

async function waitAlone(): Promise<number> {
  harness.publish(DOMAIN, [newcomer.value])
  const { takeoverAt } = await confirm(newcomer)
  return takeoverAt === undefined ? Number.NaN : timestampMs(takeoverAt)
}

test("does not begin while the owner's record stands", async () => {
  const before = await harness.everything()
  const answer = await confirm(newcomer)
  expect(answer).toMatchObject({ verified: false, reason: 'INCUMBENT_PRESENT' })
  expect(answer.message).toContain(owner.id)
  expect(await harness.everything()).toBe(before)
})

test('waits from the first proof that stands alone, and both audits say so', async () => {
  expect(await waitAlone()).toBe(harness.clock.now + DAY)
  const before = await harness.everything()
  harness.clock.now += DAY - 1
  const answer = await confirm(newcomer)
  expect(answer).toMatchObject({ verified: false, reason: 'TAKEOVER_PENDING' })
  expect(answer.takeoverAt && timestampMs(answer.takeoverAt)).toBe(harness.clock.now + 1)
  expect(await harness.everything()).toBe(before)
  for (const { id } of [owner, newcomer]) {
    expect((await harness.audit(id)).at(-1)).toMatchObject({ action: 'operator.takeover-wait', subject: newcomer.id })
  }
  expect((await harness.operator(owner.id)).status).toBe('active')
})

test('happens by a confirmation after the delay: the owner is superseded and its tokens end', async () => {
  await waitAlone()
  harness.clock.now += DAY
  expect(await confirm(newcomer)).toMatchObject({ verified: true })
  expect(await harness.operator(owner.id)).toMatchObject({
    status: 'superseded',
    epoch: 2,
    version: 3,
    nextProofAt: null,
  })
  expect(await harness.operator(newcomer.id)).toMatchObject({
    status: 'active',
    epoch: 1,
    version: 2,
    takeoverAt: null,
  })
  expect((await harness.audit(owner.id)).at(-1)).toMatchObject({ action: 'operator.supersede', subject: owner.id })
  expect((await harness.audit(newcomer.id)).at(-1)).toMatchObject({ action: 'operator.confirm', subject: newcomer.id })
})

test('happens once when it is confirmed many times at once', async () => {
  await waitAlone()
  harness.clock.now += DAY
  // As many as one domain may have looked up at the same time.
  const answers = await Promise.all(Array.from({ length: 4 }, () => confirm(newcomer)))
  expect(answers.every(({ verified }) => verified)).toBe(true)
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'superseded', epoch: 2 })
  expect((await harness.audit(owner.id)).filter(({ action }) => action === 'operator.supersede')).toHaveLength(1)
})

test('does not happen when the proof is gone after the delay', async () => {
  await waitAlone()
  harness.clock.now += DAY
  harness.publish(DOMAIN, [owner.value])
  expect(await confirm(newcomer)).toMatchObject({ verified: false, reason: 'INCUMBENT_PRESENT' })
  expect((await harness.operator(owner.id)).status).toBe('active')
})

test.each([
  ['alone', () => [owner.value]],
  ["beside the newcomer's", () => [owner.value, newcomer.value]],
])("starts over after a scheduled proof that saw the owner's record %s", async (_, values) => {
  await waitAlone()
  harness.publish(DOMAIN, values())
  harness.clock.now += 7 * HOUR
  await harness.registry.runSchedule()
  expect((await harness.operator(newcomer.id)).takeoverAt).toBeNull()
  harness.clock.now += 2 * DAY
  expect(await waitAlone()).toBe(harness.clock.now + DAY)
})

test('starts over after the owner has confirmed again', async () => {
  await waitAlone()
  harness.publish(DOMAIN, [owner.value])
  expect(await confirm(owner)).toMatchObject({ verified: true })
  expect((await harness.operator(newcomer.id)).takeoverAt).toBeNull()
  expect((await harness.audit(newcomer.id)).at(-1)).toMatchObject({ action: 'operator.takeover-wait' })
})

test.each([
  ['alone', () => [owner.value]],
  ["beside the newcomer's", () => [owner.value, newcomer.value]],
])("starts over after a confirmation that saw the owner's record %s", async (_, values) => {
  await waitAlone()
  harness.publish(DOMAIN, values())
  await confirm(newcomer).catch(() => undefined)
  expect((await harness.operator(newcomer.id)).takeoverAt).toBeNull()
  harness.clock.now += 2 * DAY
  expect(await waitAlone()).toBe(harness.clock.now + DAY)
})

test("does not start over because DNS failed or the owner's record was missing", async () => {
  const until = await waitAlone()
  harness.clock.now += 7 * HOUR
  await harness.registry.runSchedule()
  expect((await harness.operator(newcomer.id)).takeoverAt).toEqual(new Date(until))
})

test('needs no delay once the owner has released the domain', async () => {
  await harness.as(owner.id).releaseDomain({ id: owner.id })
  harness.publish(DOMAIN, [newcomer.value])
  expect(await confirm(newcomer)).toMatchObject({ verified: true })
  await expect(confirm(owner)).rejects.toMatchObject({ reason: 'OPERATOR_RELEASED' })
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'released', epoch: 2 })
})

test('counts the delay from when the owner lapsed, so that suppressing its record spares nobody the wait', async () => {
  const lapsedAt = new Date(harness.clock.now)
  await harness.prisma.operator.update({ where: { id: owner.id }, data: { status: 'lapsed', lapsedAt } })
  harness.publish(DOMAIN, [newcomer.value])
  harness.clock.now += DAY - HOUR
  expect(await confirm(newcomer)).toMatchObject({ verified: false, reason: 'TAKEOVER_PENDING' })
  expect((await harness.operator(newcomer.id)).takeoverAt).toEqual(new Date(lapsedAt.getTime() + DAY))
  harness.clock.now += HOUR
  expect(await confirm(newcomer)).toMatchObject({ verified: true })
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'superseded', epoch: 2 })
})

test('needs no delay once the owner has been lapsed for longer than that', async () => {
  const lapsedAt = new Date(harness.clock.now - DAY)
  await harness.prisma.operator.update({ where: { id: owner.id }, data: { status: 'lapsed', lapsedAt } })
  harness.publish(DOMAIN, [newcomer.value])
  expect(await confirm(newcomer)).toMatchObject({ verified: true })
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'superseded', epoch: 2 })
})

test('is refused while the owner is suspended, and changes nothing', async () => {
  await waitAlone()
  await harness.admin().suspendOperator({ id: owner.id })
  harness.clock.now += 2 * DAY
  const before = await harness.everything()
  for (const operator of [owner, newcomer]) {
    await expect(confirm(operator)).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
  }
  expect(await harness.everything()).toBe(before)
})

test('can be taken back by the superseded operator, in the same way', async () => {
  await waitAlone()
  harness.clock.now += DAY
  await confirm(newcomer)
  harness.publish(DOMAIN, [owner.value])
  expect(await confirm(owner)).toMatchObject({ reason: 'TAKEOVER_PENDING' })
  harness.clock.now += DAY
  expect(await confirm(owner)).toMatchObject({ verified: true })
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'active', epoch: 2 })
  expect((await harness.operator(newcomer.id)).status).toBe('superseded')
})

test('ends the waits of all others: they waited for another owner', async () => {
  const third = await harness.register(DOMAIN)
  harness.publish(DOMAIN, [third.value])
  await confirm(third)
  await waitAlone()
  harness.clock.now += DAY
  await confirm(newcomer)
  expect((await harness.operator(third.id)).takeoverAt).toBeNull()
  harness.publish(DOMAIN, [third.value])
  expect(await confirm(third)).toMatchObject({ reason: 'TAKEOVER_PENDING' })
})

const nextProof = async () => (await harness.operator(owner.id)).nextProofAt?.getTime()

describe('while it waits, whatever the interval of proofs,', () => {
  beforeEach(async () => {
    await harness.stop()
    harness = await startHarness({ settings: { reverifyIntervalMs: 30 * DAY, reverifyFailures: 100 } })
    owner = await harness.activate(DOMAIN)
    newcomer = await harness.register(DOMAIN)
  })

  test("the owner's record is looked for four times", async () => {
    await waitAlone()
    for (let check = 0; check < 4; check++) {
      expect(await nextProof()).toBe(harness.clock.now + DAY / 4)
      harness.clock.now += DAY / 4
      await harness.registry.runSchedule()
    }
  })

  test('a proof that is due sooner stays due then', async () => {
    const nextProofAt = new Date(harness.clock.now + HOUR)
    await harness.prisma.operator.update({ where: { id: owner.id }, data: { nextProofAt } })
    await waitAlone()
    expect(await nextProof()).toBe(nextProofAt.getTime())
  })

  test('and no longer, once the record was seen', async () => {
    await waitAlone()
    harness.publish(DOMAIN, [owner.value])
    harness.clock.now += DAY / 4
    await harness.registry.runSchedule()
    expect(await nextProof()).toBeGreaterThan(harness.clock.now + 26 * DAY)
  })
})
