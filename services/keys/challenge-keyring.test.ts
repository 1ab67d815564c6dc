import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { KEK } from '../../test/support/authn.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { createChallengeKeyring } from './challenge-keyring.ts'
import { createKeyVault } from './key-vault.ts'

const DAY = 24 * 3_600_000
/** Noon of the current day by the database's clock, so that no test runs across two slots. */
const NOON = Math.floor(Date.now() / DAY) * DAY + DAY / 2
const vault = createKeyVault(KEK)

let database: TestDatabase

beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

function keyring(prisma: PrismaClient = database.db.prisma) {
  const clock = { now: NOON }
  return { clock, ring: createChallengeKeyring(prisma, vault, () => clock.now) }
}
const slots = async () =>
  (await database.db.prisma.challengeKey.findMany({ orderBy: { slot: 'asc' } })).map(
    ({ slot }) => Number(slot) - NOON_SLOT,
  )
const NOON_SLOT = Math.floor(NOON / DAY)

describe('rotate', () => {
  it('creates the keys of this slot and the next, and nothing when it is called again', async () => {
    const { ring } = keyring()
    await ring.rotate()
    const rows = await database.db.prisma.challengeKey.findMany()
    await ring.rotate()
    expect(await database.db.prisma.challengeKey.findMany()).toEqual(rows)
    expect(await slots()).toEqual([0, 1])
    expect(await database.db.prisma.auditLog.count({ where: { action: 'challenge-key.create' } })).toBe(2)
  })

  it('creates the same key in processes that rotate at the same time', async () => {
    const rings = Array.from({ length: 4 }, () => keyring().ring)
    await Promise.all(rings.map((ring) => ring.rotate()))
    const ids = await Promise.all(rings.map(async (ring) => (await ring.current()).id))
    expect(new Set(ids).size).toBe(1)
    expect(await slots()).toEqual([0, 1])
  })

  it('deletes a key that is older than the previous slot', async () => {
    const { ring, clock } = keyring()
    for (const day of [-3, -2, -1, 0]) {
      clock.now = NOON + day * DAY
      await ring.rotate()
    }
    expect(await slots()).toEqual([-1, 0, 1])
  })

  it("does not delete other processes' keys when its clock is ahead", async () => {
    const right = keyring()
    await right.ring.rotate()
    const made = await right.ring.current()
    const ahead = keyring()
    ahead.clock.now = NOON + 10 * DAY
    await ahead.ring.rotate()
    expect(await keyring().ring.find(made.id)).toMatchObject({ id: made.id })
  })

  it('creates a key for its own slot when its clock is behind', async () => {
    await keyring().ring.rotate()
    const behind = keyring()
    behind.clock.now = NOON - 10 * DAY
    await behind.ring.rotate()
    expect(await behind.ring.current()).toMatchObject({ slot: NOON_SLOT - 10 })
  })
})

describe('current', () => {
  it('returns the key of the next slot from the first moment of that slot, without writing', async () => {
    const { ring, clock } = keyring()
    await ring.rotate()
    const rows = await database.db.prisma.challengeKey.findMany()
    clock.now = (NOON_SLOT + 1) * DAY
    expect(await ring.current()).toMatchObject({ slot: NOON_SLOT + 1 })
    expect(await database.db.prisma.challengeKey.findMany()).toEqual(rows)
  })

  it('returns a key that another process has created', async () => {
    const { ring, clock } = keyring()
    await ring.rotate()
    const other = keyring()
    other.clock.now = clock.now = NOON + 5 * DAY
    await other.ring.rotate()
    expect(await ring.current()).toMatchObject({ slot: NOON_SLOT + 5, id: (await other.ring.current()).id })
  })

  it('throws UNAVAILABLE while the slot has no key, and reads the database once a second', async () => {
    const { prisma, reads } = countingReads()
    const { ring, clock } = keyring(prisma)
    await ring.rotate()
    const [before, rows] = [reads(), await database.db.prisma.challengeKey.findMany()]
    clock.now = NOON + 5 * DAY
    const asked = await Promise.all(Array.from({ length: 20 }, () => refusalOf(ring.current())))
    expect(asked).toEqual(Array.from({ length: 20 }, () => 'UNAVAILABLE'))
    expect(await refusalOf(ring.current())).toBe('UNAVAILABLE')
    expect(reads()).toBe(before + 1)
    expect(await database.db.prisma.challengeKey.findMany()).toEqual(rows)
    await ring.rotate()
    expect(await ring.current()).toMatchObject({ slot: NOON_SLOT + 5 })
  })
})

describe('current, after every key was deleted', () => {
  it('creates the keys again, and returns the same key to simultaneous callers', async () => {
    const { ring, clock } = keyring()
    await ring.rotate()
    await database.db.prisma.challengeKey.deleteMany()
    clock.now = NOON + 2_000
    expect(await ring.find('unknown')).toBeUndefined()
    const made = await Promise.all(Array.from({ length: 20 }, () => ring.current()))
    expect(new Set(made.map(({ id }) => id)).size).toBe(1)
    expect(await slots()).toEqual([0, 1])
  })
})

describe('find', () => {
  it.each<[string, number, boolean]>([
    ['two slots before its own slot', -2, false],
    ['one slot before, since another clock may be ahead', -1, true],
    ['in its own slot', 0, true],
    ['one slot after', 1, true],
    ['two slots after', 2, false],
  ])('finds a key %s (%i): %s', async (_, day, isFound) => {
    const { ring, clock } = keyring()
    await ring.rotate()
    const { id } = await ring.current()
    clock.now = NOON + day * DAY
    expect((await ring.find(id))?.id).toBe(isFound ? id : undefined)
  })

  it('finds a key that another process has created, even for simultaneous calls', async () => {
    const { ring, clock } = keyring()
    await ring.rotate()
    const other = keyring()
    other.clock.now = NOON + 2 * DAY
    await other.ring.rotate()
    const { id } = await other.ring.current()
    clock.now = NOON + DAY
    const found = await Promise.all([ring.find(id), ring.find(id), ring.find(id)])
    expect(found.map((key) => key?.id)).toEqual([id, id, id])
  })

  it('reads the database for unknown keys at most once a second, and at once when the clock was set back', async () => {
    const { prisma, reads } = countingReads()
    const { ring, clock } = keyring(prisma)
    await ring.rotate()
    const before = reads()
    for (let n = 0; n < 20; n += 1) expect(await ring.find(`unknown-${n}`)).toBeUndefined()
    expect(reads()).toBe(before)
    clock.now += 1001
    await Promise.all(Array.from({ length: 20 }, (_, n) => ring.find(`unknown-${n}`)))
    expect(reads()).toBe(before + 1)
    clock.now -= 3_600_000
    await ring.find('unknown')
    expect(reads()).toBe(before + 2)
  })

  it('rejects when the database fails, instead of reporting an unknown key', async () => {
    const { prisma, state } = countingReads()
    const { ring, clock } = keyring(prisma)
    await ring.rotate()
    clock.now += 2000
    state.isAway = true
    await expect(ring.find('unknown')).rejects.toThrow('away')
    await expect(ring.find('unknown')).rejects.toThrow('away')
    state.isAway = false
    expect(await ring.find('unknown')).toBeUndefined()
  })
})

/** The database, with reads of challenge keys that are counted and can be made to fail. */
function countingReads() {
  let reads = 0
  const state = { isAway: false }
  const prisma = new Proxy(database.db.prisma, {
    get(target, name): unknown {
      if (name === 'challengeKey') {
        reads += 1
        if (state.isAway) throw new Error('the database is away')
      }
      return Reflect.get(target, name)
    },
  })
  return { prisma, state, reads: () => reads }
}
