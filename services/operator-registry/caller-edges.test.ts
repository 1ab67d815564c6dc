import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, type Registered, startHarness } from '../../test/support/operator-registry.ts'
import { refusalOf } from '../../test/support/reason-of.ts'

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

type Rules = Readonly<Record<string, readonly string[]>>

/** Sets the callers by the host's first label. */
async function setCallers(rules: Rules, changes: object = {}) {
  const audiences = Object.entries(rules).map(([label, callers]) => ({
    audience: `${label}.${owner.domain}`,
    callers: [...callers],
  }))
  for (const rule of audiences) Object.assign(rule, changes)
  return harness.as(owner.id).setOperatorPolicy({ id: owner.id, policy: { audiences } })
}

const many = (from: number) => Array.from({ length: 64 }, (_, n) => `c${from + n}.com`)
const all = (from: number) => Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`a${n}`, many(from)]))

/** Returns the ids of the edges by label and caller, as authn reads them. */
async function edges(): Promise<Readonly<Record<string, string>>> {
  const { rules } = await harness.directory.lookupAudienceOwner({ host: owner.domain })
  return Object.fromEntries(
    rules.flatMap(({ audience, callers, callerEdges }) =>
      callers.map((caller, at) => [`${audience.split('.')[0]} ${caller}`, callerEdges[at] ?? '']),
    ),
  )
}

const rules = () => harness.prisma.operatorAudience

async function version(): Promise<number> {
  return (await harness.directory.lookupAudienceOwner({ host: owner.domain })).operatorVersion ?? 0
}

/** Returns which of these edges have a record in the revocation log. */
async function ended(ids: Readonly<Record<string, string>>): Promise<string[]> {
  const records = await harness.prisma.revocationLog.findMany({ where: { kind: 'edge' } })
  return Object.entries(ids).flatMap(([name, id]) => (records.some(({ subject }) => subject === id) ? [name] : []))
}

describe("a change of an owner's rules raises its version", () => {
  it.each<[string, () => Promise<unknown>]>([
    ['by SetOperatorPolicy', () => setCallers({ a: ['y.com'], b: [] })],
    ['by an insert', () => rules().create({ data: { operatorId: owner.id, audience: 'x', callers: [] } })],
    ['by an update', () => rules().updateMany({ where: { operatorId: owner.id }, data: { dpop: 'required' } })],
    ['by a deletion', () => rules().deleteMany({ where: { operatorId: owner.id } })],
  ])('%s', async (_, change) => {
    await setCallers({ a: ['x.com'] })
    const before = await version()
    await change()
    expect(await version()).toBeGreaterThan(before)
  })
})

describe('SetOperatorPolicy', () => {
  it('gives each caller of each audience an edge of its own', async () => {
    await setCallers({ a: ['x.com', 'y.com'], b: ['x.com'], c: ['*'], d: [] })
    const ids = await edges()
    expect(Object.keys(ids)).toEqual(['a x.com', 'a y.com', 'b x.com', 'c *'])
    expect(new Set(Object.values(ids)).size).toBe(4)
    expect(await ended(ids)).toEqual([])
  })

  it.each<[string, Rules, string[]]>([
    ['nothing when nothing changes', { a: ['x.com', 'y.com'], b: ['*'] }, []],
    ['nothing when the order changes', { b: ['*'], a: ['y.com', 'x.com'] }, []],
    ['nothing when callers and audiences are added', { a: ['x.com', 'y.com', 'z.com'], b: ['*'], c: ['x.com'] }, []],
    ['the edge of a caller that is removed', { a: ['y.com'], b: ['*'] }, ['a x.com']],
    ['the edges of a rule that is removed', { b: ['*'] }, ['a x.com', 'a y.com']],
    ['the edges of domains that are replaced by *', { a: ['*'], b: ['*'] }, ['a x.com', 'a y.com']],
    ['the edge of * that is replaced by a domain', { a: ['x.com', 'y.com'], b: ['x.com'] }, ['b *']],
    [
      'the edges of a rule that is moved to another audience',
      { c: ['x.com', 'y.com'], b: ['*'] },
      ['a x.com', 'a y.com'],
    ],
    ['all edges with an empty policy', {}, ['a x.com', 'a y.com', 'b *']],
  ])('ends %s', async (_name, rules, gone) => {
    await setCallers({ a: ['x.com', 'y.com'], b: ['*'] })
    const before = await edges()
    await setCallers(rules)
    expect(await ended(before)).toEqual(gone)
    const kept = Object.fromEntries(Object.entries(before).filter(([name]) => !gone.includes(name)))
    expect(await edges()).toMatchObject(kept)
  })

  it('keeps the edges when only other members of a rule change', async () => {
    await setCallers({ a: ['x.com'] })
    const before = await edges()
    await setCallers({ a: ['x.com'] }, { dpop: 'required', tokenSigningAlg: 'ES256' })
    expect(await edges()).toEqual(before)
    const { policy } = await harness.as(owner.id).getOperatorPolicy({ id: owner.id })
    expect(policy?.audiences).toMatchObject([{ callers: ['x.com'], dpop: 'required', tokenSigningAlg: 'ES256' }])
    expect(await ended(before)).toEqual([])
  })

  it('gives a caller that is listed again another edge', async () => {
    await setCallers({ a: ['x.com'] })
    const before = await edges()
    await setCallers({ a: [] })
    await setCallers({ a: ['x.com'] })
    expect(await edges()).not.toEqual(before)
    expect(await ended(before)).toEqual(['a x.com'])
    expect(await ended(await edges())).toEqual([])
  })

  it('keeps the edges of callers that an earlier version lists again in one transaction', async () => {
    await setCallers({ a: ['x.com', 'y.com'], b: ['*'] })
    const before = await edges()
    const { prisma } = harness
    await prisma.$transaction([
      prisma.operatorAudience.deleteMany({ where: { operatorId: owner.id } }),
      prisma.operatorAudience.createMany({
        data: [{ operatorId: owner.id, audience: `a.${owner.domain}`, callers: ['y.com', 'y.com'] }],
      }),
    ])
    expect(await edges()).toEqual({ 'a y.com': before['a y.com'] })
    expect(await ended(before)).toEqual(['a x.com', 'b *'])
  })

  it('writes the head of the log once, however many audiences change', async () => {
    await setCallers({ a: ['x.com', 'y.com'], b: ['x.com'], c: ['*'], d: ['x.com'] })
    const before = await edges()
    const writes = await harness.prisma.$transaction(async (tx) => {
      // The count may include earlier transactions of the session.
      const count = () =>
        tx.$queryRaw<
          { updates: number }[]
        >`SELECT n_tup_upd::int AS updates FROM pg_stat_xact_user_tables WHERE relname = 'revocation_head'`
      const [earlier] = await count()
      await tx.operatorAudience.deleteMany({ where: { operatorId: owner.id } })
      await tx.operatorAudience.create({
        data: { operatorId: owner.id, audience: `d.${owner.domain}`, callers: ['x.com', 'z.com'] },
      })
      // The deferred triggers run now.
      await tx.$executeRaw`SET CONSTRAINTS ALL IMMEDIATE`
      const [now] = await count()
      return (now?.updates ?? 0) - (earlier?.updates ?? 0)
    })
    expect(writes).toBe(1)
    expect(await ended(before)).toEqual(['a x.com', 'a y.com', 'b x.com', 'c *'])
    expect(await edges()).toEqual({ 'd x.com': before['d x.com'], 'd z.com': expect.any(String) })
  })

  it('refuses to list callers beyond the limit of changes, but removes callers without limit', async () => {
    await setCallers(all(0))
    await setCallers(all(100))
    expect(await refusalOf(setCallers(all(200)))).toBe('RATE_LIMITED')
    expect(Object.keys(await edges())).toHaveLength(4_096)
    await setCallers({})
    expect(await edges()).toEqual({})
    await setCallers({ a: many(300) })
    // The log forgets its records after 65 minutes, and so do the edges.
    await harness.prisma.$transaction([
      harness.prisma.$executeRaw`ALTER TABLE operator_audience_callers DISABLE TRIGGER operator_audience_callers_fixed`,
      harness.prisma
        .$executeRaw`UPDATE operator_audience_callers SET ended_at = ended_at - interval '66 minutes' WHERE ended_at IS NOT NULL`,
      harness.prisma.$executeRaw`ALTER TABLE operator_audience_callers ENABLE TRIGGER operator_audience_callers_fixed`,
    ])
    await setCallers({ a: many(400) })
    expect(await harness.prisma.operatorAudienceCaller.count({ where: { operatorId: owner.id } })).toBe(2 * 64)
  })
})

describe('the edges of an owner', () => {
  it.each([
    ['lapsed', []],
    ['suspended', []],
    ['superseded', ['a x.com']],
    ['released', ['a x.com']],
  ] as const)('whose status becomes %s: these end: %j', async (status, gone) => {
    await setCallers({ a: ['x.com'] })
    const before = await edges()
    await harness.prisma.operator.update({ where: { id: owner.id }, data: { status } })
    expect(await ended(before)).toEqual(gone)
    await harness.prisma.operator.update({ where: { id: owner.id }, data: { status: 'active' } })
    const after = await edges()
    expect(Object.keys(after)).toEqual(['a x.com'])
    expect(await ended(after)).toEqual([])
  })

  it('stay when an operator of a longer domain becomes the owner, until the earlier owner removes the callers', async () => {
    await setCallers({ api: ['x.com'] })
    const before = await edges()
    const longer = await harness.activate(`api.${owner.domain}`)
    expect(await harness.directory.lookupAudienceOwner({ host: longer.domain })).toMatchObject({
      operatorId: longer.id,
      rules: [],
    })
    expect(await ended(before)).toEqual([])
    await setCallers({})
    expect(await ended(before)).toEqual(['api x.com'])
  })

  it('end with the row of the owner', async () => {
    await setCallers({ a: ['x.com'] })
    const before = await edges()
    await harness.prisma.operator.delete({ where: { id: owner.id } })
    expect(await ended(before)).toEqual(['a x.com'])
  })

  it('can only end: no row begins again or names another caller', async () => {
    await setCallers({ a: ['x.com', 'y.com'] })
    await setCallers({ a: ['x.com'] })
    const { prisma } = harness
    const where = { operatorId: owner.id }
    for (const data of [{ endedAt: null }, { caller: 'z.com' }, { endedAt: new Date(0), audience: 'b.example.com' }]) {
      await expect(prisma.operatorAudienceCaller.updateMany({ where, data })).rejects.toThrow('can only end')
    }
  })
})
