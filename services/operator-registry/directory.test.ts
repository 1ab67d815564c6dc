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

  test("returns all of the owner's rules to a process of an older version, which names no audience", async () => {
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

  test.each<[what: string, audiences: string[], callers: string[], rules: Readonly<Record<string, string[]>>]>([
    [
      'no other audience',
      ['https://a.example.com/1'],
      ['a.org'],
      { 'a.example.com': [], 'https://a.example.com/1': ['a.org'] },
    ],
    [
      'each audience that is wanted',
      ['https://a.example.com/1', 'https://a.example.com/2'],
      ['a.org', 'b.org'],
      {
        'a.example.com': ['b.org'],
        'https://a.example.com/1': ['a.org', 'b.org'],
        'https://a.example.com/2': ['*'],
      },
    ],
    ['the rule of the host', ['https://a.example.com/3'], ['b.org'], { 'a.example.com': ['b.org'] }],
    [
      'no callers that are not wanted',
      ['https://a.example.com/2'],
      [],
      { 'a.example.com': [], 'https://a.example.com/2': ['*'] },
    ],
  ])('returns %s', async (_, audiences, callers, rules) => {
    const { id } = await harness.activate('example.com')
    const policy = {
      audiences: [
        { audience: 'a.example.com', callers: ['b.org', 'c.org'], dpop: 'required' },
        { audience: 'b.example.com', callers: ['a.org'] },
        { audience: 'https://a.example.com/1', callers: ['a.org', 'b.org', 'c.org'] },
        { audience: 'https://a.example.com/2', callers: ['*'] },
      ],
    }
    await harness.as(id).setOperatorPolicy({ id, policy })
    const owner = await harness.directory.lookupAudienceOwner({ host: 'a.example.com', audiences, callers })
    expect(Object.fromEntries(owner.rules.map((rule) => [rule.audience, rule.callers]))).toEqual(rules)
    expect(owner.rules.map(({ callerEdges }) => callerEdges.length)).toEqual(
      Object.values(rules).map((each) => each.length),
    )
    expect(owner.rules[0]).toMatchObject({ audience: 'a.example.com', dpop: 'required' })
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
