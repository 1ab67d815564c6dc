import { recordName } from '@auth4agent/core/identity/proof-record'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { afterEach, describe, expect, test } from 'vitest'
import { DAY, type Harness, startHarness } from '../../test/support/operator-registry.ts'
import type { Call } from '../calls/call.ts'
import { confirmDomain } from './confirm.ts'
import type { Context } from './context.ts'
import { NEW_DOMAINS_A_DAY } from './store/new-domains.ts'

const DOMAIN = 'agents.example.com'
let harness: Harness
afterEach(() => harness.stop())

describe('confirmDomain for a domain without another owner', () => {
  test('activates the operator when DNS has its record', async () => {
    harness = await startHarness()
    const { id, value } = await harness.register(DOMAIN)
    harness.publish(DOMAIN, ['v=spf1 -all', value])
    const answer = await harness.anybody.confirmDomain({ id })
    expect(answer).toMatchObject({ verified: true, reason: '' })
    expect(answer.verifiedAt && timestampMs(answer.verifiedAt)).toBe(harness.clock.now)
    expect(await harness.operator(id)).toMatchObject({ status: 'active', version: 2, epoch: 1, expiresAt: null })
    expect((await harness.audit(id)).at(-1)).toMatchObject({ action: 'operator.confirm', actor: 'anonymous' })
  })

  test('returns the time of the first confirmation and writes nothing when the domain is confirmed again', async () => {
    harness = await startHarness()
    const { id } = await harness.activate(DOMAIN)
    const first = harness.clock.now
    const before = await harness.everything()
    harness.clock.now += DAY
    const answer = await harness.anybody.confirmDomain({ id })
    expect(answer.verified).toBe(true)
    expect(answer.verifiedAt && timestampMs(answer.verifiedAt)).toBe(first)
    expect(await harness.everything()).toBe(before)
  })

  test('activates the operator once when four calls confirm at the same time', async () => {
    harness = await startHarness()
    const { id, value } = await harness.register(DOMAIN)
    harness.publish(DOMAIN, [value])
    const answers = await Promise.all(Array.from({ length: 4 }, () => harness.anybody.confirmDomain({ id })))
    expect(answers.every(({ verified }) => verified)).toBe(true)
    expect(await harness.operator(id)).toMatchObject({ status: 'active', version: 2 })
    expect(await harness.audit(id)).toHaveLength(2)
  })
})

const counted = async () =>
  (await harness.prisma.operatorTotal.findMany({ where: { what: 'domains' } })).map(({ amount }) => Number(amount))
async function registerWithRecord(domain: string): Promise<string> {
  const { id, value } = await harness.register(domain)
  harness.publish(domain, [value])
  return id
}
const fillDay = () => harness.prisma.operatorTotal.updateMany({ data: { amount: NEW_DOMAINS_A_DAY } })

describe('confirmDomain of many names under one registrable domain', () => {
  test('counts each name once, and names on a public suffix for each of its customers', async () => {
    harness = await startHarness()
    const { id } = await harness.activate('a.example.com')
    await harness.anybody.confirmDomain({ id })
    await harness.activate('b.example.com')
    await harness.activate('one.github.io')
    await harness.activate('two.github.io')
    expect((await counted()).toSorted((left, right) => left - right)).toEqual([1, 1, 2])
  })

  test('refuses one more than the largest number of a day, and neither its owner nor another domain', async () => {
    harness = await startHarness()
    const { id } = await harness.activate('a.example.com')
    await fillDay()
    const refused = await registerWithRecord('b.example.com')
    await expect(harness.anybody.confirmDomain({ id: refused })).rejects.toMatchObject({
      reason: 'RATE_LIMITED',
      message: 'At most 100 names under example.com may be proven a day (UTC)',
    })
    expect(await harness.operator(refused)).toMatchObject({ status: 'pending' })
    expect(await harness.anybody.confirmDomain({ id })).toMatchObject({ verified: true })
    await harness.activate('a.example.org')
  })

  test('accepts one again on the next day', async () => {
    harness = await startHarness()
    await harness.activate('a.example.com')
    await fillDay()
    await harness.prisma.$executeRaw`UPDATE operator_totals SET day = day - 1`
    await harness.activate('b.example.com')
  })
})

test.each([24, 200])(
  'confirmDomain answers for a domain whose DNS answers, while %i sources ask for names that do not answer',
  async (sources) => {
    harness = await startHarness({ dnsTimeoutMs: 500 })
    const silent = await Promise.all(Array.from({ length: 20 }, (_, n) => harness.register(`silent-${n}.example.com`)))
    const good = await harness.register(DOMAIN)
    harness.publish(DOMAIN, [good.value])
    for (const { domain } of silent) harness.servers.forEach((server) => server.silence(recordName(domain)))
    const held = Array.from({ length: 480 }, (_, n) =>
      harness.from(`flood-${n % sources}`).confirmDomain({ id: silent[n % 20]?.id ?? '' }),
    )
    const outcomes = Promise.allSettled(held)
    let ended = 0
    for (const each of held) each.catch(() => undefined).finally(() => (ended += 1))
    expect(await harness.from('good').confirmDomain({ id: good.id })).toMatchObject({ verified: true })
    expect(ended).toBeLessThan(480)
    const reasons = (await outcomes).map((each) => (each.status === 'fulfilled' ? each.value.reason : 'refused'))
    expect(reasons).toContain('DNS_UNAVAILABLE')
  },
)

test('confirmDomain activates an operator whose registration is evicted during the DNS look-up', async () => {
  harness = await startHarness()
  const { context, prisma } = harness
  const { id, value } = await harness.register(DOMAIN)
  const flooded: Context = {
    ...context,
    async resolveTxt() {
      harness.clock.now += 1
      for (let count = 0; count < context.settings.maxPendingPerDomain; count++) await harness.register(DOMAIN)
      expect(await prisma.operator.count({ where: { id } })).toBe(0)
      return [{ kind: 'records', records: [value] }]
    },
  }
  const call: Call = { requestId: 'request-1', principal: { kind: 'anonymous' } }
  expect(await confirmDomain(flooded, call, id)).toMatchObject({ verified: true })
  expect((await harness.operator(id)).status).toBe('active')
})

type Publish = (harness: Harness, value: string) => void
const unproven: [string, string, RegExp, Publish][] = [
  [
    'no such name',
    'TXT_RECORD_NOT_FOUND',
    /Looked for .*_auth4agents\.agents\.example\.com.* Found no record/,
    () => {},
  ],
  ['no TXT record at the name', 'TXT_RECORD_NOT_FOUND', /Found no record/, ({ publish }) => publish(DOMAIN, [])],
  [
    'a record with another operator id',
    'TXT_RECORD_MISMATCH',
    /op=00000000/,
    ({ publish }, value) => publish(DOMAIN, [value.replace(/op=[^;]*/, 'op=00000000')]),
  ],
  [
    'a record with another issuer',
    'TXT_RECORD_NOT_FOUND',
    /Found no record/,
    ({ publish }, value) => publish(DOMAIN, [value.replace('auth.', 'rogue.')]),
  ],
  [
    'SERVFAIL',
    'DNS_UNAVAILABLE',
    /ESERVFAIL.*[Tt]ry again/,
    ({ servers }) => servers.forEach((s) => s.fail(recordName(DOMAIN), 'SERVFAIL')),
  ],
  [
    'no answer',
    'DNS_UNAVAILABLE',
    /[Tt]ry again/,
    ({ servers }) => servers.forEach((s) => s.silence(recordName(DOMAIN))),
  ],
  [
    'the record at one of three resolvers',
    'TXT_RECORD_NOT_FOUND',
    /Found no/,
    ({ publish, servers }, value) => publish(DOMAIN, [value], servers.slice(0, 1)),
  ],
  [
    'the record at one of three resolvers, the others failing',
    'DNS_UNAVAILABLE',
    /[Tt]ry again/,
    ({ publish, servers }, value) => {
      publish(DOMAIN, [value], servers.slice(0, 1))
      for (const server of servers.slice(1)) server.fail(recordName(DOMAIN), 'SERVFAIL')
    },
  ],
]

describe('confirmDomain does not confirm a pending or active operator when DNS gives', () => {
  test.each(unproven)('%s', async (_, reason, message, prepare) => {
    harness = await startHarness({ resolvers: 3 })
    const pending = await harness.register(DOMAIN)
    prepare(harness, pending.value)
    const before = await harness.everything()
    const answer = await harness.anybody.confirmDomain({ id: pending.id })
    expect(answer).toMatchObject({ verified: false, reason, message: expect.stringMatching(message) })
    expect(answer.verifiedAt).toBeUndefined()
    expect(await harness.everything()).toBe(before)

    harness.publish(DOMAIN, [pending.value])
    await harness.anybody.confirmDomain({ id: pending.id })
    const active = await harness.everything()
    for (const server of harness.servers) server.clear(recordName(DOMAIN))
    prepare(harness, pending.value)
    expect(await harness.anybody.confirmDomain({ id: pending.id })).toMatchObject({ verified: false, reason })
    expect(await harness.everything()).toBe(active)
  })
})

test('confirmDomain activates the operator when two of three resolvers have its record and the third fails', async () => {
  harness = await startHarness({ resolvers: 3 })
  const { id, value } = await harness.register(DOMAIN)
  harness.publish(DOMAIN, [value], harness.servers.slice(0, 2))
  harness.servers[2]?.fail(recordName(DOMAIN), 'SERVFAIL')
  expect(await harness.anybody.confirmDomain({ id })).toMatchObject({ verified: true })
})

test('confirmDomain answers DOMAIN_CONTESTED and changes nothing when DNS has two records of this issuer', async () => {
  harness = await startHarness()
  const owner = await harness.activate(DOMAIN)
  const newcomer = await harness.register(DOMAIN)
  harness.publish(DOMAIN, [owner.value, newcomer.value])
  const before = await harness.everything()
  for (const { id } of [owner, newcomer]) {
    await expect(harness.anybody.confirmDomain({ id })).rejects.toMatchObject({ reason: 'DOMAIN_CONTESTED' })
  }
  expect(await harness.everything()).toBe(before)
})

describe('confirmDomain for test domains', () => {
  test('confirms a test domain without DNS, and says so in the answer and in the log', async () => {
    harness = await startHarness({ testDomains: true })
    const { id } = await harness.register('agents.test')
    const answer = await harness.anybody.confirmDomain({ id })
    expect(answer).toMatchObject({ verified: true, message: expect.stringMatching(/NOT proven by DNS/) })
    expect(harness.warnings).toEqual(['a test domain was confirmed without DNS'])
    expect(harness.servers[0]?.asked).toEqual([])
  })

  test('refuses a second operator of a test domain until the first releases it', async () => {
    harness = await startHarness({ testDomains: true })
    const first = await harness.register('agents.test')
    const second = await harness.register('agents.test')
    await harness.anybody.confirmDomain({ id: first.id })
    const before = await harness.everything()
    harness.clock.now += 30 * DAY
    expect(await harness.anybody.confirmDomain({ id: second.id })).toMatchObject({ reason: 'INCUMBENT_PRESENT' })
    expect(await harness.everything()).toBe(before)
    await harness.as(first.id).releaseDomain({ id: first.id })
    expect(await harness.anybody.confirmDomain({ id: second.id })).toMatchObject({ verified: true })
  })

  test('still needs DNS for other domains', async () => {
    harness = await startHarness({ testDomains: true })
    const { id } = await harness.register(DOMAIN)
    expect(await harness.anybody.confirmDomain({ id })).toMatchObject({
      verified: false,
      reason: 'TXT_RECORD_NOT_FOUND',
    })
  })
})
