import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { expect, it } from 'vitest'
import { tokenOf } from '../../test/simulation/revocation/bearers.ts'
import { both, calmWorld, endSilently, pass, tokenTarget } from '../../test/simulation/revocation/calm-world.ts'
import { compact } from '../../test/simulation/revocation/image.ts'
import { type Instance } from '../../test/simulation/revocation/instance.ts'
import { REAL } from '../../test/simulation/revocation/parts.ts'
import { LEASE_MS } from '../../test/simulation/revocation/schedule.ts'
import type { World } from '../../test/simulation/revocation/world.ts'
import type { LogFollower } from './log-follower.ts'
import { LAST_RECORDS } from './log-store.ts'

const [one, two, three, other] = [tokenTarget('one'), tokenTarget('two'), tokenTarget('three'), tokenTarget('other')]
const RENEWAL_MS = LEASE_MS / 4
/** Enough time for a few statements. */
const SOON_MS = 40

async function start(): Promise<{ world: World; instance: Instance; verifier: LogFollower }> {
  const world = await calmWorld([both('verifier')])
  const [instance] = world.instancesOf('verifier')
  if (instance?.verifier === undefined) throw new Error('The instance has no log follower')
  return { world, instance, verifier: instance.verifier }
}
const check = (verifier: LogFollower, target = one) => verifier.check(tokenOf(target))
const rows = (world: World) => [...world.database.image.members.keys()]

it('createLogFollower commits a lease row and answers from memory', async () => {
  const { world, verifier } = await start()
  expect(rows(world)).toEqual(['verifier.1'])
  expect({ holdsLease: verifier.holdsLease, hasBegun: verifier.hasBegun }).toEqual({ holdsLease: true, hasBegun: true })
  expect(check(verifier)).toBeUndefined()
})

it('a log follower applies a received record at once and acknowledges it', async () => {
  const { world, verifier } = await start()
  verifier.receive(endSilently(world, one))
  expect(check(verifier)).toBe('TOKEN_REVOKED')
  expect(check(verifier, other)).toBeUndefined()
  expect(verifier.acknowledged).toEqual({ incarnation: 'verifier.1', logEpoch: 1, sequence: 1 })
})

it('a log follower fills a gap from the database before it answers again, without waiting for a renewal', async () => {
  const { world, verifier } = await start()
  await pass(world, RENEWAL_MS - (world.events.now() % RENEWAL_MS) + SOON_MS)
  endSilently(world, one)
  verifier.receive(endSilently(world, two))
  expect(check(verifier, other)).toBe('unknown')
  await pass(world, SOON_MS)
  expect([check(verifier), check(verifier, two), check(verifier, other)]).toEqual([
    'TOKEN_REVOKED',
    'TOKEN_REVOKED',
    undefined,
  ])
})

it('a log follower accepts repeated records in any order', async () => {
  const { world, verifier } = await start()
  const [first, second] = [endSilently(world, one), endSilently(world, two)]
  for (const record of [second, first, first, second, second]) verifier.receive(record)
  await pass(world, SOON_MS)
  expect([check(verifier), check(verifier, two)]).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED'])
  expect(rows(world)).toEqual(['verifier.1'])
})

it('a log follower that misses more records than a renewal reads keeps its incarnation and reads pages', async () => {
  const { world, verifier } = await start()
  const missed = Array.from({ length: 3 * LAST_RECORDS }, (_, index) => tokenTarget(`missed ${index}`))
  for (const target of missed) endSilently(world, target)
  await pass(world, RENEWAL_MS + SOON_MS)
  expect(missed.map((target) => check(verifier, target))).toEqual(missed.map(() => 'TOKEN_REVOKED'))
  expect(check(verifier, other)).toBeUndefined()
  expect(rows(world)).toEqual(['verifier.1'])
})

it('a log follower applies, at its next renewal, a record that no message announced', async () => {
  const { world, verifier } = await start()
  endSilently(world, one)
  await pass(world, RENEWAL_MS + SOON_MS)
  expect(check(verifier)).toBe('TOKEN_REVOKED')
})

it.each<[string, Partial<RevocationRecord>, 'its hash is right' | 'its hash is kept']>([
  ['another hash', { hash: '00' }, 'its hash is kept'],
  ['another subject', { subject: 'forged' }, 'its hash is kept'],
  ['another predecessor', { previousHash: 'ff' }, 'its hash is right'],
  ['a later log epoch', { logEpoch: 2 }, 'its hash is right'],
])('a log follower begins a new incarnation when a record has %s', async (_, forged, how) => {
  const { world, verifier } = await start()
  const record = { ...endSilently(world, one), ...forged }
  verifier.receive(how === 'its hash is kept' ? record : { ...record, hash: recordHash(record) })
  expect(check(verifier, other)).toBe('unknown')
  await pass(world, 2 * SOON_MS)
  expect(rows(world)).toEqual(['verifier.2'])
  expect([check(verifier), check(verifier, other)]).toEqual(['TOKEN_REVOKED', undefined])
})

it('a log follower acknowledges a repeated record again', async () => {
  const acknowledged: number[] = []
  const world = await calmWorld([both('verifier')], {
    ...REAL,
    createSettle(deps) {
      deps.bus.onAcknowledgement(({ sequence }) => acknowledged.push(sequence))
      return REAL.createSettle(deps)
    },
  })
  const record = endSilently(world, one)
  world.all().forEach(({ verifier }) => {
    verifier?.receive(record, '0')
    verifier?.receive(record, '0')
  })
  await pass(world, SOON_MS)
  expect(acknowledged).toEqual([1, 1])
})

/** Starts a log follower, and counts how often it reads the whole log. */
async function startCounting() {
  const seen = { loads: 0 }
  const world = await calmWorld([both('verifier')], {
    ...REAL,
    createLogFollower({ store, ...deps }) {
      const snapshot: typeof store.snapshot = (take) => {
        seen.loads += 1
        return store.snapshot(take)
      }
      return REAL.createLogFollower({ ...deps, store: { ...store, snapshot } })
    },
  })
  const verifier = world.all()[0]?.verifier
  if (verifier === undefined) throw new Error('There is no log follower')
  return { world, verifier, seen }
}

it('a log follower keeps its state when a new log epoch begins, and applies the records of both log epochs', async () => {
  const { world, verifier, seen } = await startCounting()
  verifier.receive(endSilently(world, one))
  endSilently(world, two)
  world.database.crash()
  world.database.promote()
  endSilently(world, three)
  await pass(world, 2 * RENEWAL_MS + 2 * SOON_MS)
  expect([one, two, three, other].map((target) => check(verifier, target))).toEqual([
    'TOKEN_REVOKED',
    'TOKEN_REVOKED',
    'TOKEN_REVOKED',
    undefined,
  ])
  expect(verifier.acknowledged).toMatchObject({ logEpoch: 2, sequence: 3 })
  expect(rows(world)).not.toContain('verifier.1')
  expect(seen.loads).toBe(1)
})

it.each<[string, (world: World) => void]>([
  ['lost the record at its position', (world) => loseLog(world)],
  [
    'has compacted the record at its position away',
    (world) => {
      endSilently(world, two)
      compact(world.database.image, Number.POSITIVE_INFINITY)
    },
  ],
])('a log follower reads the whole log again after a promotion that %s', async (_, change) => {
  const { world, verifier, seen } = await startCounting()
  verifier.receive(endSilently(world, one))
  world.database.crash()
  world.database.promote()
  change(world)
  endSilently(world, three)
  await pass(world, 2 * RENEWAL_MS + 2 * SOON_MS)
  expect(check(verifier, three)).toBe('TOKEN_REVOKED')
  expect(seen.loads).toBe(2)
})

it('a log follower begins a new incarnation when a new log epoch begins', async () => {
  const { world, verifier } = await start()
  world.database.crash()
  world.database.promote()
  endSilently(world, one)
  await pass(world, 2 * RENEWAL_MS + 2 * SOON_MS)
  expect(check(verifier)).toBe('TOKEN_REVOKED')
  expect(verifier.acknowledged).toMatchObject({ logEpoch: 2, sequence: 1 })
  expect(rows(world)).not.toContain('verifier.1')
})

it('a log follower begins a new incarnation when the log has another record at the same sequence', async () => {
  const { world, verifier } = await start()
  verifier.receive(endSilently(world, one))
  loseLog(world)
  endSilently(world, two)
  await pass(world, RENEWAL_MS + 2 * SOON_MS)
  expect(rows(world)).toEqual(['verifier.2'])
  expect([check(verifier), check(verifier, two)]).toEqual([undefined, 'TOKEN_REVOKED'])
})

it('a log follower keeps its lease when it receives a late record of an older log epoch', async () => {
  const { world, verifier } = await start()
  world.database.crash()
  world.database.promote()
  const record = endSilently(world, one)
  await pass(world, 2 * RENEWAL_MS + 2 * SOON_MS)
  verifier.receive({ ...record, logEpoch: 1, sequence: 7 })
  expect(check(verifier, other)).toBeUndefined()
})

it('a log follower keeps its incarnation when the bus brings a record during a renewal', async () => {
  const { world, verifier } = await start()
  world.placeOf('verifier').link.reply = [50, 50]
  await pass(world, RENEWAL_MS + 70 - (world.events.now() % RENEWAL_MS))
  verifier.receive(endSilently(world, one))
  await pass(world, 2 * RENEWAL_MS)
  expect(rows(world)).toEqual(['verifier.1'])
  expect(check(verifier)).toBe('TOKEN_REVOKED')
})

it('a log follower has no lease while the log contains a record of an unknown kind', async () => {
  const { world, verifier, instance } = await start()
  verifier.receive(endSilently(world, { ...one, kind: 'device' }))
  expect(check(verifier, other)).toBe('unknown')
  expect(await verify(world, instance)).toEqual({ answer: 'valid', from: 'database' })
  await pass(world, 2 * RENEWAL_MS)
  expect(rows(world)).toEqual([])
  compact(world.database.image, Number.POSITIVE_INFINITY)
  await pass(world, 16 * LEASE_MS)
  expect(check(verifier, other)).toBeUndefined()
})

it('a log follower begins a new incarnation when records that it has not read were compacted', async () => {
  const { world, verifier, instance } = await start()
  instance.process.pause()
  endSilently(world, one)
  endSilently(world, two)
  compact(world.database.image, Number.POSITIVE_INFINITY)
  instance.process.resume()
  await pass(world, 2 * RENEWAL_MS)
  expect(verifier.sequence).toBe(2)
  expect(rows(world)).toEqual(['verifier.2'])
})

it('a log follower gets no lease if one server has its row and another one reads the head', async () => {
  const world = await calmWorld([both('verifier')], {
    ...REAL,
    createLogFollower({ store, ...deps }) {
      const tail: typeof store.tail = async (sequence) => ({
        ...(await store.tail(sequence)),
        server: 'another server',
      })
      return REAL.createLogFollower({ ...deps, store: { ...store, tail } })
    },
  })
  await pass(world, 2 * LEASE_MS)
  expect(rows(world)).toEqual(['verifier.1'])
  expect(world.all()[0]?.verifier?.holdsLease).toBe(false)
})

it('a log follower removes its lease row when it stops', async () => {
  const { world, verifier } = await start()
  void verifier.stop()
  await pass(world, SOON_MS)
  expect(check(verifier)).toBe('unknown')
  expect(rows(world)).toEqual([])
})

it.each<[string, (world: World, instance: Instance) => void]>([
  ['its process was stopped', (_, { process }) => process.pause()],
  ['its machine slept', (world) => world.placeOf('verifier').machine.sleep()],
])('a log follower does not answer from memory after %s, until it has a lease again', async (_, stop) => {
  const { world, verifier, instance } = await start()
  stop(world, instance)
  await pass(world, 15 * LEASE_MS)
  endSilently(world, one)
  world.placeOf('verifier').machine.wake()
  instance.process.resume()
  expect(check(verifier)).toBe('unknown')
  await pass(world, RENEWAL_MS)
  expect(check(verifier)).toBe('TOKEN_REVOKED')
})

it.each([0, -3_600_000])(
  'a log follower loses its lease while it cannot reach the database (wall clock set by %i ms)',
  async (by) => {
    const { world, verifier, instance } = await start()
    world.placeOf('verifier').link.isCut = true
    world.placeOf('verifier').machine.setWall(by)
    await pass(world, 0.95 * LEASE_MS)
    expect(check(verifier)).toBe('unknown')
    expect(await verify(world, instance)).toEqual({ answer: 'unavailable', from: 'database' })
  },
)

it('a log follower begins a new incarnation when the answer to its join is lost', async () => {
  const world = await calmWorld([both('verifier')])
  const { link } = world.placeOf('verifier')
  const restarted = world.start('verifier')
  link.reply = [5, 5]
  while (!rows(world).includes('verifier.2')) await pass(world, 1)
  // The row is committed, but the answer is lost.
  link.isCut = true
  await pass(world, 10)
  link.isCut = false
  await pass(world, 2 * LEASE_MS)
  expect(restarted.verifier?.holdsLease).toBe(true)
  expect(rows(world)).toEqual(['verifier.1', 'verifier.3'])
})

/** Verifies a token in the process, and lets time pass until it has answered. */
async function verify(world: World, instance: Instance) {
  const asked = instance.verify(other, 'token')
  await pass(world, 1_100)
  return asked
}

/** Makes the log empty, as if all its records had been lost with the primary. */
function loseLog({ database: { image } }: World): void {
  image.log = []
  image.ended.clear()
  image.head = { ...image.head, sequence: 0, hash: '' }
}
