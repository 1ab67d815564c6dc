import { randomUUID } from 'node:crypto'
import { recordName } from '@auth4agent/core/identity/proof-record'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DAY, type Harness, HOUR, type Registered, startHarness } from '../../test/support/operator-registry.ts'
import { LOOKS_NEEDED } from './domain/takeover-looks.ts'
import { lockOperator } from './store/operators.ts'

const DOMAIN = 'agents.example.com'
const NAME = recordName(DOMAIN)
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

test("a takeover does not begin while DNS has the owner's record", async () => {
  const before = await harness.everything()
  const answer = await confirm(newcomer)
  expect(answer).toMatchObject({ verified: false, reason: 'INCUMBENT_PRESENT' })
  expect(answer.message).toContain(owner.id)
  expect(await harness.everything()).toBe(before)
})

test("a takeover begins to wait when DNS has only the newcomer's record, and both audits say so", async () => {
  expect(await waitAlone()).toBe(harness.clock.now + DAY)
  const before = await harness.everything()
  const answer = await confirm(newcomer)
  expect(answer).toMatchObject({ verified: false, reason: 'TAKEOVER_PENDING' })
  expect(answer.takeoverAt && timestampMs(answer.takeoverAt)).toBe(harness.clock.now + DAY)
  expect(await harness.everything()).toBe(before)
  for (const { id } of [owner, newcomer]) {
    expect((await harness.audit(id)).at(-1)).toMatchObject({ action: 'operator.takeover-wait', subject: newcomer.id })
  }
  expect((await harness.operator(owner.id)).status).toBe('active')
})

test('a takeover succeeds by confirming after the delay and 24 looks: the owner is superseded and its tokens end', async () => {
  const takeoverAt = await waitAlone()
  const looks = await harness.look(newcomer.id)
  expect(looks).toBeGreaterThanOrEqual(LOOKS_NEEDED)
  expect(harness.clock.now).toBeGreaterThanOrEqual(takeoverAt)
  expect((await harness.operator(owner.id)).status).toBe('active')
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
    takeoverLooks: 0,
    nextLookAt: null,
  })
  expect((await harness.audit(owner.id)).at(-1)).toMatchObject({ action: 'operator.supersede', subject: owner.id })
  expect((await harness.audit(newcomer.id)).at(-1)).toMatchObject({ action: 'operator.confirm', subject: newcomer.id })
})

test('a takeover happens once when four calls confirm at the same time', async () => {
  await waitAlone()
  await harness.look(newcomer.id)
  // The limit of look-ups for one domain at the same time.
  const answers = await Promise.all(Array.from({ length: 4 }, () => confirm(newcomer)))
  expect(answers.every(({ verified }) => verified)).toBe(true)
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'superseded', epoch: 2 })
  expect((await harness.audit(owner.id)).filter(({ action }) => action === 'operator.supersede')).toHaveLength(1)
})

test('a takeover fails when the proof is gone after the delay', async () => {
  await waitAlone()
  await harness.look(newcomer.id)
  harness.publish(DOMAIN, [owner.value])
  expect(await confirm(newcomer)).toMatchObject({ verified: false, reason: 'INCUMBENT_PRESENT' })
  expect((await harness.operator(owner.id)).status).toBe('active')
})

test('confirmations during a takeover wait add no look and do not change the time of the next look', async () => {
  await waitAlone()
  const { nextLookAt } = await harness.operator(newcomer.id)
  for (let time = 0; time < LOOKS_NEEDED + 2; time++) {
    harness.clock.now += HOUR
    expect(await confirm(newcomer)).toMatchObject({ verified: false, reason: 'TAKEOVER_PENDING' })
  }
  expect(await harness.operator(newcomer.id)).toMatchObject({ takeoverLooks: 0, nextLookAt })
})

test('a takeover does not count time without looks', async () => {
  const takeoverAt = await waitAlone()
  await harness.look(newcomer.id, harness.clock.now + 4 * HOUR)
  harness.clock.now += 10 * HOUR
  await harness.look(newcomer.id)
  expect(harness.clock.now).toBeGreaterThanOrEqual(takeoverAt + 8 * HOUR)
})

test('a takeover fails for a record that DNS has at the beginning and the end while DNS fails in between', async () => {
  const spoiled = await waitAlone()
  harness.servers[0]?.fail(NAME, 'SERVFAIL')
  await harness.look(newcomer.id)
  harness.publish(DOMAIN, [newcomer.value])
  harness.clock.now = spoiled
  expect(await confirm(newcomer)).toMatchObject({ verified: false, reason: 'TAKEOVER_PENDING' })
  expect((await harness.operator(owner.id)).status).toBe('active')
})

const ends: [string, () => void, string][] = [
  ["the owner's record", () => harness.publish(DOMAIN, [owner.value]), 'incumbent-present'],
  [
    "the owner's record beside the newcomer's",
    () => harness.publish(DOMAIN, [owner.value, newcomer.value]),
    'contested',
  ],
  ['no record', () => harness.publish(DOMAIN, []), 'not-found'],
  [
    'the record of a third operator',
    () => harness.publish(DOMAIN, [newcomer.value.replace(newcomer.id, randomUUID())]),
    'mismatch',
  ],
  ['SERVFAIL', () => harness.servers[0]?.fail(NAME, 'SERVFAIL'), 'unavailable'],
  ['no answer in time', () => harness.servers[0]?.silence(NAME), 'unavailable'],
]
test.each(ends)('a takeover starts over after a single look that found %s', async (_, spoil, verdict) => {
  await waitAlone()
  await harness.look(newcomer.id, harness.clock.now + 20 * HOUR)
  expect((await harness.operator(newcomer.id)).takeoverLooks).toBeGreaterThan(0)
  spoil()
  expect(await harness.look(newcomer.id)).toBe(1)
  expect(await harness.operator(newcomer.id)).toMatchObject({ takeoverAt: null, takeoverLooks: 0, nextLookAt: null })
  expect((await harness.audit(newcomer.id)).at(-1)).toMatchObject({
    action: 'operator.takeover-wait',
    actor: 'system',
    reason: expect.stringMatching(`: ${verdict}$`),
  })
  harness.clock.now += 2 * DAY
  expect(await waitAlone()).toBe(harness.clock.now + DAY)
})

test('a takeover look needs a majority of resolvers, so one failing resolver of three does not end the wait', async () => {
  await harness.stop()
  harness = await startHarness({ resolvers: 3 })
  owner = await harness.activate(DOMAIN)
  newcomer = await harness.register(DOMAIN)
  await waitAlone()
  const [first, second] = harness.servers
  first?.fail(NAME, 'SERVFAIL')
  expect(await harness.look(newcomer.id, harness.clock.now + 12 * HOUR)).toBeGreaterThan(0)
  expect((await harness.operator(newcomer.id)).takeoverLooks).toBeGreaterThan(0)
  second?.fail(NAME, 'SERVFAIL')
  await harness.look(newcomer.id)
  expect((await harness.operator(newcomer.id)).takeoverAt).toBeNull()
})

test('runLooks continues to look for a takeover after the delay until the newcomer confirms', async () => {
  await waitAlone()
  await harness.look(newcomer.id)
  harness.publish(DOMAIN, [owner.value])
  harness.clock.now += DAY / 16
  await harness.registry.runLooks()
  harness.publish(DOMAIN, [newcomer.value])
  expect(await confirm(newcomer)).toMatchObject({ verified: false, reason: 'TAKEOVER_PENDING' })
})

test('runLooks makes a due look once when three processes run it at the same time', async () => {
  await waitAlone()
  const { nextLookAt } = await harness.operator(newcomer.id)
  harness.clock.now = nextLookAt?.getTime() ?? Number.NaN
  const before = harness.servers[0]?.asked.length ?? 0
  await Promise.all([1, 2, 3].map(() => harness.registry.runLooks()))
  expect(harness.servers[0]?.asked.slice(before)).toHaveLength(1)
  expect((await harness.operator(newcomer.id)).takeoverLooks).toBe(1)
})

test('runLooks leaves a look to the process that is claiming it', async () => {
  await waitAlone()
  harness.clock.now += DAY
  const before = harness.servers[0]?.asked.length
  await harness.prisma.$transaction(async (tx) => {
    await lockOperator(tx, newcomer.id)
    await harness.registry.runLooks()
  })
  expect(harness.servers[0]?.asked).toHaveLength(before ?? Number.NaN)
})

test('a takeover starts over after the owner has confirmed again', async () => {
  await waitAlone()
  harness.publish(DOMAIN, [owner.value])
  expect(await confirm(owner)).toMatchObject({ verified: true })
  expect((await harness.operator(newcomer.id)).takeoverAt).toBeNull()
  expect((await harness.audit(newcomer.id)).at(-1)).toMatchObject({ action: 'operator.takeover-wait' })
})

test.each([
  ['alone', () => [owner.value]],
  ["beside the newcomer's", () => [owner.value, newcomer.value]],
])("a takeover starts over after a confirmation that found the owner's record %s", async (_, values) => {
  await waitAlone()
  harness.publish(DOMAIN, values())
  await confirm(newcomer).catch(() => undefined)
  expect((await harness.operator(newcomer.id)).takeoverAt).toBeNull()
  harness.clock.now += 2 * DAY
  expect(await waitAlone()).toBe(harness.clock.now + DAY)
})

test('a takeover needs no delay after the owner has released the domain', async () => {
  await harness.as(owner.id).releaseDomain({ id: owner.id })
  harness.publish(DOMAIN, [newcomer.value])
  expect(await confirm(newcomer)).toMatchObject({ verified: true })
  await expect(confirm(owner)).rejects.toMatchObject({ reason: 'OPERATOR_RELEASED' })
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'released', epoch: 2 })
})

test.each([
  ['just now', 0],
  ['longer ago than the delay', 3 * DAY],
])('a takeover waits for the full delay when the owner lapsed %s', async (_, agoMs) => {
  const lapsedAt = new Date(harness.clock.now - agoMs)
  await harness.prisma.operator.update({ where: { id: owner.id }, data: { status: 'lapsed', lapsedAt } })
  expect(await waitAlone()).toBe(harness.clock.now + DAY)
  await harness.look(newcomer.id)
  expect(await confirm(newcomer)).toMatchObject({ verified: true })
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'superseded', epoch: 2 })
})

test('confirmDomain refuses a takeover and changes nothing while the owner is suspended', async () => {
  await waitAlone()
  await harness.admin().suspendOperator({ id: owner.id })
  harness.clock.now += 2 * DAY
  const before = await harness.everything()
  for (const operator of [owner, newcomer]) {
    await expect(confirm(operator)).rejects.toMatchObject({ reason: 'OPERATOR_SUSPENDED' })
  }
  expect(await harness.everything()).toBe(before)
})

test('the superseded operator can take the domain back with a takeover of its own', async () => {
  await waitAlone()
  await harness.look(newcomer.id)
  await confirm(newcomer)
  harness.publish(DOMAIN, [owner.value])
  expect(await confirm(owner)).toMatchObject({ reason: 'TAKEOVER_PENDING' })
  await harness.look(owner.id)
  expect(await confirm(owner)).toMatchObject({ verified: true })
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'active', epoch: 2 })
  expect((await harness.operator(newcomer.id)).status).toBe('superseded')
})

test('a takeover ends the waits of all other newcomers', async () => {
  const third = await harness.register(DOMAIN)
  harness.publish(DOMAIN, [third.value])
  await confirm(third)
  await waitAlone()
  await harness.look(newcomer.id)
  await confirm(newcomer)
  expect((await harness.operator(third.id)).takeoverAt).toBeNull()
  harness.publish(DOMAIN, [third.value])
  expect(await confirm(third)).toMatchObject({ reason: 'TAKEOVER_PENDING' })
})
