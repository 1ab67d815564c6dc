import { recordName } from '@auth4agent/core/identity/proof-record'
import { afterEach, expect, test } from 'vitest'
import { DAY, type Harness, HOUR, startHarness } from '../../test/support/operator-registry.ts'

const DOMAIN = 'agents.example.com'
let harness: Harness
afterEach(() => harness.stop())

async function passes(count: number): Promise<void> {
  for (let pass = 0; pass < count; pass++) {
    harness.clock.now += 7 * HOUR
    await harness.registry.runSchedule()
  }
}

const clearAll = () => harness.servers.forEach((server) => server.clear(recordName(DOMAIN)))

test('runSchedule makes an operator lapse after three clear failures, and active again after the next successful proof', async () => {
  harness = await startHarness()
  const { id, value } = await harness.activate(DOMAIN)
  clearAll()
  await passes(2)
  expect(await harness.operator(id)).toMatchObject({ status: 'active', epoch: 1, version: 2 })
  await passes(1)
  expect(await harness.operator(id)).toMatchObject({
    status: 'lapsed',
    epoch: 2,
    version: 3,
    lapsedAt: new Date(harness.clock.now),
  })
  expect((await harness.audit(id)).at(-1)).toMatchObject({ action: 'operator.lapse', actor: 'system' })
  harness.publish(DOMAIN, [value])
  await passes(1)
  const row = await harness.operator(id)
  expect(row).toMatchObject({ status: 'active', epoch: 2, version: 4, failedProofs: 0 })
  expect(row.domainVerifiedAt).toEqual(new Date(harness.clock.now))
  expect((await harness.audit(id)).at(-1)).toMatchObject({ action: 'operator.recover', actor: 'system' })
})

test('confirmDomain makes a lapsed operator active', async () => {
  harness = await startHarness()
  const { id, value } = await harness.activate(DOMAIN)
  clearAll()
  await passes(3)
  expect(await harness.anybody.confirmDomain({ id })).toMatchObject({ verified: false })
  harness.publish(DOMAIN, [value])
  expect(await harness.anybody.confirmDomain({ id })).toMatchObject({ verified: true })
  expect(await harness.operator(id)).toMatchObject({ status: 'active', epoch: 2, failedProofs: 0 })
  expect((await harness.audit(id)).at(-1)).toMatchObject({ action: 'operator.recover', actor: 'anonymous' })
})

test('runSchedule resets the failures of an operator after a successful proof', async () => {
  harness = await startHarness()
  const { id, value } = await harness.activate(DOMAIN)
  clearAll()
  await passes(2)
  harness.publish(DOMAIN, [value])
  await passes(1)
  clearAll()
  await passes(2)
  expect((await harness.operator(id)).status).toBe('active')
})

test('runSchedule keeps an operator active after ten passes without an answer from DNS', async () => {
  harness = await startHarness()
  const { id } = await harness.activate(DOMAIN)
  harness.servers[0]?.fail(recordName(DOMAIN), 'SERVFAIL')
  await passes(10)
  expect((await harness.operator(id)).status).toBe('active')
})

test('runSchedule keeps an operator active whose domain has two records', async () => {
  harness = await startHarness()
  const owner = await harness.activate(DOMAIN)
  const other = await harness.register(DOMAIN)
  harness.publish(DOMAIN, [owner.value, other.value])
  await passes(10)
  expect(await harness.operator(owner.id)).toMatchObject({ status: 'active', failedProofs: 0 })
})

test('reinstateOperator makes an operator lapsed when its proof was missing during the suspension', async () => {
  harness = await startHarness()
  const { id } = await harness.activate(DOMAIN)
  await harness.admin().suspendOperator({ id })
  clearAll()
  await passes(3)
  expect(await harness.operator(id)).toMatchObject({ status: 'suspended', epoch: 2 })
  expect(await harness.admin().reinstateOperator({ id })).toMatchObject({ status: 'lapsed' })
  expect(await harness.operator(id)).toMatchObject({
    status: 'lapsed',
    epoch: 2,
    lapsedAt: new Date(harness.clock.now),
  })
})

test('runSchedule does not look up a proof that is not due', async () => {
  harness = await startHarness()
  await harness.activate(DOMAIN)
  const asked = harness.servers[0]?.asked.length
  harness.clock.now += 5 * HOUR
  await harness.registry.runSchedule()
  expect(harness.servers[0]?.asked.length).toBe(asked)
})

test('runSchedule looks up each proof once when three processes run it at the same time', async () => {
  harness = await startHarness()
  for (let count = 0; count < 25; count++) await harness.activate(`a${count}.example.com`)
  const before = harness.servers[0]?.asked.length ?? 0
  harness.clock.now += 7 * HOUR
  await Promise.all([1, 2, 3].map(() => harness.registry.runSchedule()))
  const asked = harness.servers[0]?.asked.slice(before) ?? []
  expect(asked).toHaveLength(25)
  expect(new Set(asked).size).toBe(25)
})

test('runSchedule continues with other operators when one operator causes an error', async () => {
  harness = await startHarness()
  const broken = await harness.activate('broken.example.com')
  const healthy = await harness.activate(DOMAIN)
  await harness.prisma.$executeRaw`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW."failed_proofs" > 0 AND NEW."domain" LIKE 'broken%' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW;
    END $$`
  await harness.prisma
    .$executeRaw`CREATE TRIGGER refuse BEFORE UPDATE ON operators FOR EACH ROW EXECUTE FUNCTION refuse()`
  harness.servers[0]?.clear(recordName('broken.example.com'))
  clearAll()
  await passes(1)
  expect((await harness.operator(broken.id)).failedProofs).toBe(0)
  expect((await harness.operator(healthy.id)).failedProofs).toBeGreaterThan(0)
})

test('runSchedule does not look up test domains when they are allowed', async () => {
  harness = await startHarness({ testDomains: true })
  const { id } = await harness.register('agents.test')
  await harness.anybody.confirmDomain({ id })
  harness.clock.now += 30 * DAY
  await passes(5)
  expect((await harness.operator(id)).status).toBe('active')
  expect(harness.servers[0]?.asked).toEqual([])
})

test('runSchedule removes the oldest unproven registrations beyond the limit of all domains, but never an owner', async () => {
  harness = await startHarness({ settings: { maxPending: 2 } })
  const owner = await harness.activate(DOMAIN)
  const pending = []
  for (let count = 0; count < 4; count++) {
    harness.clock.now += 1000
    pending.push(await harness.register(`p${count}.example.com`))
  }
  await harness.registry.runSchedule()
  const left = await harness.prisma.operator.findMany({ select: { id: true } })
  const kept = [owner, ...pending.slice(2)].map(({ id }) => id)
  expect(left.map(({ id }) => id).toSorted()).toEqual(kept.toSorted())
})
