import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { freshOperator } from '../../../test/support/authn-agents.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { insertRevocation, insertStream, readStream } from '../../../test/support/signals.ts'
import { claimStreams, releaseClaim, renewClaim } from './claims.ts'
import { noteRecords } from './note-records.ts'

const database = await testDatabase()
const { db } = database
const { pool, prisma } = db
const owner = randomUUID()

let operatorId: string
afterAll(() => database.drop())
beforeEach(async () => {
  await prisma.signalStream.deleteMany()
  operatorId = (await freshOperator(db)).id
})

const claim = async (part: Partial<Parameters<typeof claimStreams>[1]> = {}) => {
  const claimed = await claimStreams(pool, { owner, places: 10, perOperator: 10, running: {}, ...part })
  return claimed.map(({ id }) => id)
}
/** Inserts a stream that has an event to deliver. */
const dueStream = async (of = operatorId, part: Parameters<typeof insertStream>[2] = {}) => {
  const { id } = await insertStream(db, of, { pending: [{ jti: randomUUID(), iat: 1, kind: 'verification' }], ...part })
  return id
}

describe('claimStreams', () => {
  it('claims a stream with an event in the log, and one with an event about itself, but no idle one', async () => {
    const other = await freshOperator(db)
    const logged = await insertStream(db, operatorId)
    await insertStream(db, other.id)
    await insertRevocation(db, operatorId)
    const told = await dueStream(other.id)
    await noteRecords(pool)
    expect((await claim()).toSorted()).toEqual([logged.id, told].toSorted())
  })

  it('claims a stream once', async () => {
    const id = await dueStream()
    expect([await claim(), await claim({ owner: randomUUID() })]).toEqual([[id], []])
  })

  it('claims a stream again when its claim is over', async () => {
    const id = await dueStream(operatorId, { claimedBy: randomUUID(), claimedUntil: new Date(Date.now() - 1_000) })
    expect(await claim()).toEqual([id])
  })

  it('leaves a stream alone until its next attempt', async () => {
    await dueStream(operatorId, { nextAttemptAt: new Date(Date.now() + 60_000) })
    expect(await claim()).toEqual([])
  })

  it('gives two processes that look at the same time different streams', async () => {
    for (let n = 0; n < 10; n += 1) await dueStream()
    const all = await Promise.all([1, 2, 3].map(() => claim({ owner: randomUUID(), places: 4 })))
    expect(new Set(all.flat()).size).toBe(all.flat().length)
  })

  it('gives each operator a place before one gets its second', async () => {
    const other = await freshOperator(db)
    for (let n = 0; n < 3; n += 1) await dueStream()
    const id = await dueStream(other.id)
    const claimed = await claim({ places: 2 })
    expect(claimed).toHaveLength(2)
    expect(claimed).toContain(id)
  })

  it.each([
    ['its share', {}, 2],
    ['what its share leaves', { [0]: 1 }, 1],
    ['nothing, if it has its share', { [0]: 2 }, 0],
  ])('gives an operator %s', async (_name, running, count) => {
    for (let n = 0; n < 4; n += 1) await dueStream()
    const busy = Object.fromEntries(Object.values(running).map((places) => [operatorId, places]))
    expect(await claim({ perOperator: 2, running: busy })).toHaveLength(count)
  })
})

describe('releaseClaim', () => {
  it('makes the stream due at once, at the very next look', async () => {
    const id = await dueStream()
    for (let n = 0; n < 50; n += 1) {
      expect(await claim()).toEqual([id])
      await releaseClaim(pool, owner, id, { failures: 0, delayMs: 0 })
    }
  })

  it('stores failures and the next attempt, but only for the owner of the claim', async () => {
    const id = await dueStream()
    await claim()
    await releaseClaim(pool, randomUUID(), id, { failures: 9, delayMs: 60_000 })
    expect((await readStream(db, { id })).failures).toBe(0)
    await releaseClaim(pool, owner, id, { failures: 9, delayMs: 60_000 })
    expect((await readStream(db, { id })).failures).toBe(9)
    expect(await claim()).toEqual([])
  })
})

describe('renewClaim', () => {
  it('renews a claim as long as the stream is as it was read', async () => {
    const id = await dueStream()
    await claim()
    const stream = await readStream(db, { id })
    expect(await renewClaim(pool, owner, stream)).toBe(true)
    expect(await renewClaim(pool, randomUUID(), stream)).toBe(false)
  })

  it.each([
    ['is paused', { status: 'paused' }],
    ['has another endpoint', { endpointUrl: 'https://other.example/' }],
    ['is polled', { deliveryMethod: 'poll', endpointUrl: '' }],
  ])('refuses when the stream %s', async (_name, data) => {
    const id = await dueStream()
    await claim()
    const stream = await readStream(db, { id })
    await prisma.signalStream.update({ where: { id }, data })
    expect(await renewClaim(pool, owner, stream)).toBe(false)
  })
})
