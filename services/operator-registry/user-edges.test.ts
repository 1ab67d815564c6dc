import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, type Registered, startHarness } from '../../test/support/operator-registry.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import type { UserAccess, UserScope } from './domain/user-access.ts'
import { toStoredUsers } from './store/stored-users.ts'

let harness: Harness
let owner: Registered
let count = 0

beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.stop())
beforeEach(async () => {
  owner = await harness.activate(`owner${count++}.example.com`)
})

const READ: UserScope = { name: 'read', words: 'Read', groups: [], isDefault: false }
const STAFF: UserScope = { name: 'write', words: 'Write', groups: ['a', 'b'], isDefault: false }
const ACCESS: UserAccess = {
  domains: ['x.com', 'y.com'],
  scopes: [READ, STAFF],
  clients: 'any',
  maxDays: 30,
  device: true,
}
const EVERYONE: UserAccess = { ...ACCESS, domains: ['*'] }

type Users = Readonly<Record<string, UserAccess | undefined>>

/** Sets the users by the host's first label. */
async function setUsers(rules: Users, usersTo: readonly string[] = []) {
  const audiences = Object.entries(rules).map(([label, users]) => ({
    audience: `${label}.${owner.domain}`,
    callers: [],
    users: users && messageOf(users),
  }))
  return harness.as(owner.id).setOperatorPolicy({ id: owner.id, policy: { audiences, usersTo: [...usersTo] } })
}

function messageOf({ domains, scopes, clients, maxDays, device }: UserAccess) {
  const copies = scopes.map(({ name, words, groups, isDefault }) => ({ name, words, groups: [...groups], isDefault }))
  return { domains: [...domains], scopes: copies, clients, maxDays, device }
}

/** Returns the ids of the live edges by label, and those of targets by domain. */
async function edges(): Promise<Readonly<Record<string, string>>> {
  const where = { operatorId: owner.id, endedAt: null }
  const access = await harness.prisma.operatorAudienceAccess.findMany({ where, orderBy: { audience: 'asc' } })
  const targets = await harness.prisma.operatorUserTarget.findMany({ where, orderBy: { domain: 'asc' } })
  return Object.fromEntries([
    ...access.map(({ audience, edgeId }) => [audience.split('.')[0] ?? '', edgeId]),
    ...targets.map(({ domain, edgeId }) => [`to ${domain}`, edgeId]),
  ])
}

/** Returns which of these edges have a record in the revocation log. */
async function ended(ids: Readonly<Record<string, string>>): Promise<string[]> {
  const records = await harness.prisma.revocationLog.findMany({ where: { kind: 'edge' } })
  return Object.entries(ids).flatMap(([name, id]) => (records.some(({ subject }) => subject === id) ? [name] : []))
}

const CHANGES: readonly [string, UserAccess | undefined, UserAccess | undefined, boolean][] = [
  ['nothing', ACCESS, ACCESS, false],
  ['the order of domains and scopes', ACCESS, { ...ACCESS, domains: ['y.com', 'x.com'], scopes: [STAFF, READ] }, false],
  ['one more domain', ACCESS, { ...ACCESS, domains: ['x.com', 'y.com', 'z.com'] }, false],
  ['a removed domain', ACCESS, { ...ACCESS, domains: ['y.com'] }, true],
  ['another domain in its place', ACCESS, { ...ACCESS, domains: ['x.com', 'z.com'] }, true],
  ['no domain', ACCESS, { ...ACCESS, domains: [] }, true],
  ['every operator in place of domains', ACCESS, EVERYONE, false],
  ['domains in place of every operator', EVERYONE, ACCESS, true],
  ['one more scope', ACCESS, { ...ACCESS, scopes: [READ, STAFF, { ...READ, name: 'more' }] }, false],
  ['a removed scope', ACCESS, { ...ACCESS, scopes: [STAFF] }, true],
  ['a renamed scope', ACCESS, { ...ACCESS, scopes: [{ ...READ, name: 'see' }, STAFF] }, true],
  ['a scope with another case', ACCESS, { ...ACCESS, scopes: [{ ...READ, name: 'Read' }, STAFF] }, true],
  ['other words', ACCESS, { ...ACCESS, scopes: [{ ...READ, words: 'See' }, STAFF] }, false],
  ['another default', ACCESS, { ...ACCESS, scopes: [{ ...READ, isDefault: true }, STAFF] }, false],
  ['one more group', ACCESS, { ...ACCESS, scopes: [READ, { ...STAFF, groups: ['c', 'b', 'a'] }] }, false],
  ['a removed group', ACCESS, { ...ACCESS, scopes: [READ, { ...STAFF, groups: ['a'] }] }, true],
  ['groups for a scope of everybody', ACCESS, { ...ACCESS, scopes: [{ ...READ, groups: ['a'] }, STAFF] }, true],
  ['everybody for a scope of groups', ACCESS, { ...ACCESS, scopes: [READ, { ...STAFF, groups: [] }] }, false],
  ['listed clients in place of any', ACCESS, { ...ACCESS, clients: 'listed' }, true],
  ['any client in place of listed ones', { ...ACCESS, clients: 'listed' }, ACCESS, false],
  ['fewer days', ACCESS, { ...ACCESS, maxDays: 29 }, true],
  ['the default of days in place of more', { ...ACCESS, maxDays: 31 }, { ...ACCESS, maxDays: 0 }, true],
  ['no devices any more', ACCESS, { ...ACCESS, device: false }, true],
  ['devices too', { ...ACCESS, device: false }, ACCESS, false],
  ['more days', ACCESS, { ...ACCESS, maxDays: 31 }, false],
  ['less of one and more of another', ACCESS, { ...EVERYONE, scopes: [READ] }, true],
  ['no users', ACCESS, undefined, true],
]

describe('SetOperatorPolicy and the users of an audience', () => {
  it.each(CHANGES)('%s', async (_name, before, after, ends) => {
    await setUsers({ a: before, b: ACCESS })
    const first = await edges()
    expect(Object.keys(first)).toEqual(['a', 'b'])
    await setUsers({ a: after, b: ACCESS })
    expect(await ended(first)).toEqual(ends ? ['a'] : [])
    const now = await edges()
    expect(now['b']).toBe(first['b'])
    expect('a' in now).toBe(after !== undefined)
    expect(now['a'] === first['a']).toBe(!ends)
    expect(await ended(now)).toEqual([])
  })

  it('answers with the users that it has stored, with their defaults', async () => {
    await setUsers({ a: { ...ACCESS, clients: '', maxDays: 0 }, b: undefined }, ['t.com', owner.domain])
    const { policy } = await harness.as(owner.id).getOperatorPolicy({ id: owner.id })
    expect(policy?.audiences[0]).toMatchObject({ users: { ...ACCESS, clients: 'listed', maxDays: 30 } })
    expect(policy?.audiences[1]?.users).toBeUndefined()
    expect(policy?.usersTo).toEqual(['t.com'])
  })

  it('lets no user come without a rule', async () => {
    await setUsers({ a: undefined })
    expect(await edges()).toEqual({})
  })

  it('ends the edge of a rule that is removed, and begins another one for it later', async () => {
    await setUsers({ a: ACCESS, b: ACCESS })
    const before = await edges()
    await setUsers({ b: ACCESS })
    expect(await ended(before)).toEqual(['a'])
    await setUsers({ a: ACCESS, b: ACCESS })
    const after = await edges()
    expect(after).toMatchObject({ a: expect.any(String), b: before['b'] })
    expect(await ended(after)).toEqual([])
  })

  it('ends the edges of targets that are no longer listed', async () => {
    await setUsers({}, ['t.com', 'u.com'])
    const before = await edges()
    expect(Object.keys(before)).toEqual(['to t.com', 'to u.com'])
    await setUsers({}, ['v.com', 'u.com'])
    expect(await ended(before)).toEqual(['to t.com'])
    expect(await edges()).toEqual({ 'to u.com': before['to u.com'], 'to v.com': expect.any(String) })
    await setUsers({}, ['t.com'])
    expect((await edges())['to t.com']).not.toBe(before['to t.com'])
  })

  it('ends an edge for what was narrower in the middle of a transaction', async () => {
    await setUsers({ a: ACCESS })
    const before = await edges()
    const where = { operatorId: owner.id }
    await harness.prisma.$transaction([
      harness.prisma.operatorAudience.updateMany({ where, data: { users: toStoredUsers({ ...ACCESS, domains: [] }) } }),
      harness.prisma.operatorAudience.updateMany({ where, data: { users: toStoredUsers(ACCESS) } }),
    ])
    expect(await ended(before)).toEqual(['a'])
    expect(Object.keys(await edges())).toEqual(['a'])
  })

  it('ends the edge of a rule that an earlier version writes anew in one transaction', async () => {
    await setUsers({ a: ACCESS, b: ACCESS })
    const before = await edges()
    const rule = { operatorId: owner.id, audience: `a.${owner.domain}`, callers: [] }
    await harness.prisma.$transaction([
      harness.prisma.operatorAudience.deleteMany({ where: { audience: rule.audience } }),
      harness.prisma.operatorAudience.create({ data: { ...rule, users: toStoredUsers(ACCESS) } }),
    ])
    expect(await ended(before)).toEqual(['a'])
    expect(await edges()).toEqual({ a: expect.any(String), b: before['b'] })
  })

  it.each([
    ['a member of the rule', (users: object) => ({ ...users, later: true })],
    [
      'a member of a scope',
      (users: object) => ({ ...users, scopes: [{ ...toScope(READ), later: 1 }, toScope(STAFF)] }),
    ],
  ])('counts %s that the database does not know as narrower', async (_name, change) => {
    await setUsers({ a: ACCESS })
    const before = await edges()
    const data = { users: JSON.parse(JSON.stringify(change(toStoredUsers(ACCESS)))) }
    await harness.prisma.operatorAudience.updateMany({ where: { operatorId: owner.id }, data })
    expect(await ended(before)).toEqual(['a'])
    expect((await harness.as(owner.id).getOperatorPolicy({ id: owner.id })).policy?.audiences).toMatchObject([
      { users: ACCESS },
    ])
  })

  it('refuses to widen after too many endings, but always narrows', async () => {
    const labels = Array.from({ length: 64 }, (_, at) => `a${at}`)
    const all = (users: UserAccess) => Object.fromEntries(labels.map((label) => [label, users]))
    for (let at = 0; at < 8; at++) {
      await setUsers(all(ACCESS))
      await setUsers(all({ ...ACCESS, maxDays: 2 }))
    }
    expect(await harness.prisma.operatorAudienceAccess.count({ where: { operatorId: owner.id } })).toBe(9 * 64)
    for (let at = 0; at < 8; at++) {
      await setUsers(all(ACCESS))
      await setUsers(all({ ...ACCESS, maxDays: 2 }))
    }
    expect(await refusalOf(setUsers(all(ACCESS)))).toBe('RATE_LIMITED')
    expect(await refusalOf(setUsers(all({ ...ACCESS, maxDays: 2 }), ['t.com']))).toBe('RATE_LIMITED')
    await setUsers(all({ ...ACCESS, maxDays: 1 }))
    await setUsers({})
    expect(await edges()).toEqual({})
  })
})

function toScope({ name, words, groups, isDefault }: UserScope) {
  return { name, words, groups, is_default: isDefault }
}

describe('the edges of the users of an owner', () => {
  it.each([
    ['lapsed', []],
    ['suspended', []],
    ['superseded', ['a', 'to t.com']],
    ['released', ['a', 'to t.com']],
  ] as const)('whose status becomes %s: these end: %j', async (status, gone) => {
    await setUsers({ a: ACCESS }, ['t.com'])
    const before = await edges()
    await harness.prisma.operator.update({ where: { id: owner.id }, data: { status } })
    expect(await ended(before)).toEqual(gone)
    await harness.prisma.operator.update({ where: { id: owner.id }, data: { status: 'active' } })
    const after = await edges()
    expect(Object.keys(after)).toEqual(['a', 'to t.com'])
    expect(await ended(after)).toEqual([])
  })

  it('end with the row of the owner', async () => {
    await setUsers({ a: ACCESS }, ['t.com'])
    const before = await edges()
    await harness.prisma.operator.delete({ where: { id: owner.id } })
    expect(await ended(before)).toEqual(['a', 'to t.com'])
  })

  it('can only end: no row begins again or stands for another rule', async () => {
    await setUsers({ a: ACCESS, b: ACCESS }, ['t.com', 'u.com'])
    await setUsers({ a: ACCESS }, ['t.com'])
    const { prisma } = harness
    const where = { operatorId: owner.id }
    for (const data of [{ endedAt: null }, { audience: 'z.com' }, { endedAt: new Date(0), audience: 'z.com' }]) {
      await expect(prisma.operatorAudienceAccess.updateMany({ where, data })).rejects.toThrow('can only end')
    }
    for (const data of [{ endedAt: null }, { domain: 'z.com' }, { endedAt: new Date(0), domain: 'z.com' }]) {
      await expect(prisma.operatorUserTarget.updateMany({ where, data })).rejects.toThrow('can only end')
    }
  })
})
