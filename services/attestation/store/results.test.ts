import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Enrolments, enrolments, newKey } from '../../../test/support/enrolment.ts'
import {
  type IdentityFixture,
  identityFixture,
  TEST_ISSUER,
  type TestOperator,
} from '../../../test/support/identity.ts'
import { insertJoinToken } from '../../../test/support/join-tokens.ts'
import { refusalOf } from '../../../test/support/reason-of.ts'
import type { Appraised, Use } from '../appraise.ts'
import type { CurrentResult } from '../rules/results.ts'
import { type AttestedAgent, isUsed, readResults, writeResults } from './results.ts'

let fixture: IdentityFixture
let operator: TestOperator
let calls: Enrolments
let agent: AttestedAgent
let attestorId: string
let domain = 0

beforeAll(async () => {
  fixture = await identityFixture()
  await fixture.db.prisma.deployment.create({ data: { issuer: TEST_ISSUER } })
})
afterAll(() => fixture.drop())

beforeEach(async () => {
  domain += 1
  operator = await fixture.operator(`acme${domain}.example`)
  calls = enrolments(fixture, operator, () => fixture.clock.now)
  attestorId = await calls.insertAttestor('tokens')
  await calls.putRule({ name: 'web', allOf: ['tokens'], maxAgents: 1 })
  const key = newKey()
  const { id = '', did = '' } = await calls.enrol(await calls.attestation(key), key)
  const [result] = await fixture.db.prisma.attestationResult.findMany({ where: { agentId: id } })
  agent = { id, did, keyThumbprint: result?.keyThumbprint ?? '' }
  await fixture.db.pool.query("UPDATE deployment SET clock_reached = '1970-01-01T00:00:00Z'")
})

function appraised(uses: readonly Use[] = [], more: Partial<CurrentResult> = {}): Appraised {
  const times = { verifiedAt: fixture.clock.now, expiresAt: fixture.clock.now + 60_000 }
  const result = { attestor: 'tokens', attestorId, type: 'oidc', level: 'bound', claims: { a: 1 }, ...times } as const
  return { result: { ...result, ...more }, digest: 'x', uses }
}

const write = (...results: readonly Appraised[]) =>
  fixture.db.prisma.$transaction((tx) => writeResults(tx, agent, results))
const read = (thumbprint?: string) => readResults(fixture.db.prisma, agent.id, thumbprint)
const use = (until = fixture.clock.now + 60_000, id: string = randomUUID()): Use => ({ id, until })

describe('writeResults', () => {
  it('replaces the result of the attestor', async () => {
    const good = appraised([use()])
    await write(good)
    expect(await read()).toEqual([{ ...good.result, type: 'join-token' }])
  })

  it('refuses what was used before, and writes nothing', async () => {
    const [before, used, fresh] = [await read(), use(), use()]
    await write(appraised([used]))
    const after = await read()
    expect(after).not.toEqual(before)
    expect(await refusalOf(write(appraised([fresh, used], { claims: {} })))).toBe('EVIDENCE_USED')
    expect(await read()).toEqual(after)
    expect(await isUsed(fixture.db.prisma, [fresh.id])).toBe(false)
    expect(await isUsed(fixture.db.prisma, [fresh.id, used.id])).toBe(true)
  })

  it('refuses the same use in two pieces of evidence', async () => {
    const other = await calls.insertAttestor('others')
    const used = use()
    const twice = [appraised([used]), appraised([used], { attestorId: other })]
    expect(await refusalOf(write(...twice))).toBe('EVIDENCE_USED')
  })

  it.each([
    ['after', 1, undefined],
    ['at', 0, 'EVIDENCE_USED'],
    ['before', -1, 'EVIDENCE_USED'],
  ] as const)('with a use that ends %s the time up to which uses were removed: %i ms, %s', async (_, ms, reason) => {
    const { now } = fixture.clock
    await fixture.db.pool.query('UPDATE deployment SET clock_reached = $1', [new Date(now)])
    expect(await refusalOf(write(appraised([use(now + ms)])))).toBe(reason)
  })

  it('records the latest end of a result, and never an earlier one', async () => {
    const { now } = fixture.clock
    const other = await calls.insertAttestor('others')
    const endOf = async () =>
      (await fixture.db.prisma.agent.findUniqueOrThrow({ where: { id: agent.id } })).attestedUntil?.getTime()
    expect(await endOf()).toBe(now + 3_600_000)
    await write(appraised([], { expiresAt: now + 1000 }))
    expect(await endOf()).toBe(now + 3_600_000)
    await write(appraised([], { expiresAt: now + 5_000_000 }), appraised([], { attestorId: other }))
    expect(await endOf()).toBe(now + 5_000_000)
  })

  it('marks a join token as used, and refuses it for another agent', async () => {
    const token = await insertJoinToken(fixture.db, attestorId, 'web', new Date(fixture.clock.now + 60_000))
    const joined = () => appraised([use()], { type: 'join-token', claims: { token_id: token.id, label: 'web' } })
    await write(joined())
    const row = await fixture.db.prisma.joinToken.findUniqueOrThrow({ where: { id: token.id } })
    expect(row.usedBy).toBe(agent.did)
    expect(await refusalOf(write(joined()))).toBe('EVIDENCE_USED')
  })

  it('answers UNAVAILABLE for an attestor that is gone', async () => {
    expect(await refusalOf(write(appraised([use()], { attestorId: randomUUID() })))).toBe('UNAVAILABLE')
  })
})

const names = (results: readonly CurrentResult[]) => results.map(({ attestor }) => attestor)

describe('readResults', () => {
  it('returns the results of all keys, or of one key, by attestor', async () => {
    const other = await calls.insertAttestor('others')
    await write(appraised([], { attestorId: other }))
    expect(names(await read())).toEqual(['others', 'tokens'])
    await fixture.db.prisma.attestationResult.updateMany({
      where: { attestorId: other },
      data: { keyThumbprint: 'another' },
    })
    expect(names(await read(agent.keyThumbprint))).toEqual(['tokens'])
    expect(names(await read('another'))).toEqual(['others'])
  })

  it('returns a whole answer when the attestor is deleted as soon as the results were read', async () => {
    const pool = new pg.Pool({ connectionString: fixture.url, max: 1 })
    const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })
    const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>
    pool.query = (async (...args: unknown[]) => {
      const answer = await query(...args)
      await fixture.db.prisma.attestor.deleteMany({ where: { id: attestorId } })
      return answer
    }) as typeof pool.query
    try {
      expect(names(await readResults(prisma, agent.id))).toEqual(['tokens'])
      expect(await readResults(prisma, agent.id)).toEqual([])
    } finally {
      await prisma.$disconnect()
      await pool.end()
    }
  })

  it('leaves out stored claims of a form that no version writes', async () => {
    const claims = { good: ['a'], bad: { a: 1 }, mixed: ['a', 1], nothing: null, yes: true }
    await fixture.db.prisma.attestationResult.updateMany({ where: { agentId: agent.id }, data: { claims } })
    expect(await read()).toMatchObject([{ claims: { good: ['a'], yes: true } }])
    expect(Object.keys((await read())[0]?.claims ?? {}).toSorted()).toEqual(['good', 'yes'])
  })

  it('throws for a stored level that this version does not know', async () => {
    await fixture.db.prisma.attestationResult.updateMany({ where: { agentId: agent.id }, data: { level: 'magic' } })
    await expect(read()).rejects.toThrow('level')
  })
})
