import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Harness, startHarness } from '../../test/support/operator-registry.ts'
import { listParentDomains } from './domain/list-parent-domains.ts'

let harness: Harness
beforeEach(async () => {
  harness = await startHarness()
})
afterEach(() => harness.stop())

test('lookupOperator finds a pending operator by id', async () => {
  const { id, key } = await harness.register('agents.example.com')
  const { operator } = await harness.directory.lookupOperator({ by: { case: 'id', value: id } })
  expect(operator).toMatchObject({ id, domain: 'agents.example.com', status: 'pending', version: 1, epoch: 1 })
  expect(Buffer.from(operator?.rootPublicKey ?? []).equals(key)).toBe(true)
})

test.each(['active', 'lapsed', 'suspended'] as const)(
  'lookupOperator finds the %s owner of a domain',
  async (status) => {
    const { id } = await harness.activate('agents.example.com')
    await harness.register('agents.example.com')
    await harness.prisma.operator.update({ where: { id }, data: { status } })
    const { operator } = await harness.directory.lookupOperator({ by: { case: 'domain', value: 'agents.example.com' } })
    expect(operator).toMatchObject({ id, status })
  },
)

test.each(['pending', 'superseded', 'released'] as const)(
  'lookupOperator does not find a %s operator by its domain',
  async (status) => {
    const { id, domain } = await harness.activate('agents.example.com')
    await harness.prisma.operator.update({ where: { id }, data: { status } })
    expect(await harness.directory.lookupOperator({ by: { case: 'domain', value: domain } })).toEqual(
      expect.not.objectContaining({ operator: expect.anything() }),
    )
  },
)

test.each([
  { case: 'id', value: 'nobody' },
  { case: 'domain', value: 'nobody.example.com' },
  { case: undefined },
] as const)('lookupOperator returns no operator for %j', async (by) => {
  expect((await harness.directory.lookupOperator({ by })).operator).toBeUndefined()
})

test('lookupOperator returns no keys of an operator without a manifest, and what the policy demands', async () => {
  const { id } = await harness.activate('agents.example.com')
  const lookup = async () => (await harness.directory.lookupOperator({ by: { case: 'id', value: id } })).operator
  const plain = { keys: [], rootThreshold: 1, manifestSeq: 0, frozen: false }
  const narrow = { delegateTo: ['other.com'], maxGrantTtl: 600 }
  expect(await lookup()).toMatchObject({
    ...plain,
    requireBodyDigest: false,
    hideAllowedScopes: false,
    delegateTo: [],
    maxGrantTtl: 3600,
  })
  await harness.prisma.operator.update({
    where: { id },
    data: { ...narrow, requireBodyDigest: true, hideAllowedScopes: true, frozenAt: new Date() },
  })
  expect(await lookup()).toMatchObject({
    ...plain,
    ...narrow,
    frozen: true,
    requireBodyDigest: true,
    hideAllowedScopes: true,
  })
})

describe('lookupAudienceOwner', () => {
  test('returns the operator with the longest domain that covers the host', async () => {
    const outer = await harness.activate('example.com')
    const inner = await harness.activate('agents.example.com')
    const owner = async (host: string) => (await harness.directory.lookupAudienceOwner({ host })).operatorId
    expect(await owner('example.com')).toBe(outer.id)
    expect(await owner('api.example.com')).toBe(outer.id)
    expect(await owner('agents.example.com')).toBe(inner.id)
    expect(await owner('a.b.agents.example.com')).toBe(inner.id)
    expect(await owner('notexample.com')).toBe('')
    expect(await owner('localhost')).toBe('')
    expect(await owner('')).toBe('')
  })

  test.each([
    ['returns', 'active', true],
    ['returns', 'lapsed', true],
    ['returns', 'suspended', true],
    ['passes over', 'pending', false],
    ['passes over', 'superseded', false],
    ['passes over', 'released', false],
  ] as const)('%s an operator that is %s', async (_, status, keeps) => {
    const outer = await harness.activate('example.com')
    const inner = await harness.activate('agents.example.com')
    const rule = { audience: 'agents.example.com', callers: ['a.org'], tokenSigningAlg: 'ES256' }
    await harness.as(inner.id).setOperatorPolicy({ id: inner.id, policy: { audiences: [rule] } })
    await harness.prisma.operator.update({ where: { id: inner.id }, data: { status } })
    const owner = await harness.directory.lookupAudienceOwner({ host: 'agents.example.com' })
    expect(owner).toMatchObject(keeps ? { operatorId: inner.id, rules: [rule] } : { operatorId: outer.id, rules: [] })
  })

  test("returns the owner's rules", async () => {
    const { id } = await harness.activate('example.com')
    const audiences = [
      { audience: 'https://api.example.com', callers: ['a.org', 'b.org'], tokenSigningAlg: 'RS256' },
      { audience: 'example.com', callers: [] },
    ]
    await harness.as(id).setOperatorPolicy({ id, policy: { audiences } })
    expect((await harness.directory.lookupAudienceOwner({ host: 'api.example.com' })).rules).toMatchObject([
      { audience: 'example.com', callers: [], tokenSigningAlg: '' },
      { audience: 'https://api.example.com', callers: ['a.org', 'b.org'], tokenSigningAlg: 'RS256' },
    ])
  })

  test('does not return the rules of the parent domain', async () => {
    const outer = await harness.activate('example.com')
    const inner = await harness.activate('agents.example.com')
    const audiences = [{ audience: 'agents.example.com', callers: ['*'], tokenSigningAlg: 'RS256' }]
    await harness.as(outer.id).setOperatorPolicy({ id: outer.id, policy: { audiences } })
    expect(await harness.directory.lookupAudienceOwner({ host: 'agents.example.com' })).toMatchObject({
      operatorId: inner.id,
      rules: [],
    })
  })
})

test('listParentDomains returns the host and its parents of two labels or more', () => {
  expect(listParentDomains('a.b.example.com')).toEqual(['a.b.example.com', 'b.example.com', 'example.com'])
  expect(listParentDomains('com')).toEqual([])
})
