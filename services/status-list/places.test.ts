import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, startInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent } from '../../test/support/authn-agents.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { demandLists, type Place, placeOf } from '../../test/support/status-lists.ts'
import { claimIssuer } from '../platform/db/claim-issuer.ts'
import type { TokenEnds } from './domain/describe-token.ts'
import { createPlaces } from './places.ts'
import { recordEntries } from './store/record-entries.ts'

let database: TestDatabase
let monotonicMs = 0

beforeAll(async () => {
  database = await testDatabase()
  await claimIssuer(database.db.prisma, ISSUER)
})
afterAll(() => database.drop())

const AGENT = { operatorId: '0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b', sub: 'did:agent:a.example:1', kid: 'k' }
const ends = (jti: string): TokenEnds => ({
  exp: Math.floor(Date.now() / 1000) + 900,
  lookups: [{ ...AGENT, jti, agentEpoch: 1, operatorEpoch: 1 }],
})
const open = (maxLists?: number, pool = database.db.pool) =>
  createPlaces({
    pool,
    issuer: ISSUER,
    monotonic: () => monotonicMs,
    ...(maxLists !== undefined && { maxLists }),
  })
const take = async (places: ReturnType<typeof open>, count: number): Promise<Place[]> => {
  const taken = await Promise.all(Array.from({ length: count }, (_, at) => places.take('EdDSA', ends(`t${at}`))))
  return taken.map(({ status_list: place }) => place)
}
const lists = () => database.db.prisma.statusList.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })
const clear = () => database.db.pool.query('DELETE FROM status_entries; DELETE FROM status_lists')
const textOf = ({ idx, uri }: Place) => `${uri} ${idx}`

describe('createPlaces', () => {
  it('gives different places to the tokens of two processes that reserve at the same time', async () => {
    const taken = (await Promise.all([take(open(), 1_500), take(open(), 1_500)])).flat()
    expect(new Set(taken.map(textOf)).size).toBe(3_000)
    expect(await database.db.prisma.statusEntry.count()).toBe(3_000)
    const blocks = (await lists()).map((list) => list.blocks)
    expect(blocks.reduce((sum, each) => sum + each, 0)).toBe(4)
  })

  it('wastes the block of a process that has crashed', async () => {
    await clear()
    const before = await take(open(), 3)
    const after = await take(open(), 1_021)
    expect(new Set([...before, ...after].map(textOf)).size).toBe(1_024)
    expect(await lists()).toMatchObject([{ blocks: 2 }])
  })

  it('uses a block for ten minutes at most, because its list ends', async () => {
    await clear()
    const places = open()
    await take(places, 1)
    monotonicMs += 599_000
    await take(places, 1)
    expect(await lists()).toMatchObject([{ blocks: 1 }])
    monotonicMs += 1_000
    await take(places, 1)
    const [list] = await lists()
    expect(list?.blocks).toBe(2)
    // Ten minutes of use, an hour of a token's life and four minutes of doubt.
    expect((list?.endsAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(4_400_000)
  })

  it('begins another list when all blocks of a list are taken', async () => {
    await clear()
    const [first] = await take(open(), 1)
    await database.db.prisma.statusList.updateMany({ data: { blocks: 1_024 } })
    const [second] = await take(open(), 1)
    expect(second?.uri).not.toBe(first?.uri)
    expect((await lists()).map(({ secret }) => Buffer.from(secret).toString('hex'))).toHaveLength(2)
  })

  it('refuses a place when the deployment has as many lists as it may have, and all are full', async () => {
    await clear()
    const places = open(1)
    await take(places, 1)
    await database.db.prisma.statusList.updateMany({ data: { blocks: 1_024 } })
    monotonicMs += 600_000
    expect(await refusalOf(take(places, 1))).toBe('UNAVAILABLE')
  })

  it.each<[string, string]>([
    ['after a promotion', 'UPDATE status_lists SET timeline = timeline - 1'],
    ['after the end of all tokens', 'UPDATE deployment SET first_epoch = first_epoch + 1'],
    ['that no longer exists', 'DELETE FROM status_lists'],
    ['that ends before the token', 'UPDATE status_lists SET ends_at = now()'],
  ])('leaves a list %s and takes a place in another', async (_, change) => {
    await clear()
    const places = open()
    const [before] = await take(places, 1)
    await database.db.pool.query(change)
    const [after] = await take(places, 1)
    expect(after?.uri).not.toBe(before?.uri)
    expect(await database.db.prisma.statusEntry.count()).toBe(2)
  })

  it.each([
    ['the number of reserved blocks', 'blocks = blocks - 1'],
    ['the secret of the random order', "secret = '\\x00'"],
    ['the algorithm', "alg = 'ES256'"],
  ])('no statement changes %s of a list, because two tokens could get one place', async (_, change) => {
    await clear()
    await take(open(), 1)
    const before = await lists()
    const changed = database.db.pool.query(`UPDATE status_lists SET ${change}`)
    await expect(changed).rejects.toThrow('The reserved blocks of a status list cannot change')
    expect(await lists()).toEqual(before)
  })

  it('gives no further place of a block when an entry could not be recorded', async () => {
    await clear()
    let isBroken = true
    const pool = Object.create(database.db.pool, {
      query: {
        value: async (query: { readonly name?: string }, values?: unknown[]) => {
          if (query.name === 'record-status-entries' && isBroken) throw new Error('broken')
          return database.db.pool.query(query as pg.QueryConfig, values)
        },
      },
    }) as pg.Pool
    const places = open(undefined, pool)
    await expect(take(places, 3)).rejects.toThrow('broken')
    isBroken = false
    await take(places, 1)
    expect(await lists()).toMatchObject([{ blocks: 2 }])
    expect(await database.db.prisma.statusEntry.count()).toBe(1)
  })
})

it('recordEntries refuses a place that already has an entry', async () => {
  await clear()
  const [{ idx, uri } = { idx: 0, uri: '' }] = await take(open(), 1)
  const again = { listId: uri.slice(-36), index: idx, ends: ends('other') }
  await expect(recordEntries(database.db.pool, [again])).rejects.toThrow('duplicate key')
  expect(await database.db.prisma.statusEntry.findMany()).toMatchObject([{ idx, jti: 't0' }])
})

it('the database refuses to give a reserved block back', async () => {
  await clear()
  await take(open(), 1)
  const { statusList } = database.db.prisma
  await expect(statusList.updateMany({ data: { blocks: 0 } })).rejects.toThrow('cannot change')
})

it('tokens for other audiences write nothing about status lists', async () => {
  await clear()
  const operator = await freshOperator(database.db)
  const instance = await startInstance(database.db)
  const agent = await insertAgent(database.db, operator)
  const audience = `https://api.${operator.domain}`
  await instance.issue(agent, { audience: [audience] })
  expect([await lists(), await database.db.prisma.statusEntry.count()]).toEqual([[], 0])
  await demandLists(database, operator.id, audience)
  const token = await instance.issue(agent, { audience: [audience] })
  const entries = await database.db.prisma.statusEntry.findMany()
  expect(entries).toMatchObject([{ idx: placeOf(token).idx, part: 0, sub: agent.did, agentEpoch: 1 }])
})
