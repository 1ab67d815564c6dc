import { expect, it } from 'vitest'
import { both, calmWorld, pass, tokenTarget } from '../../test/simulation/revocation/calm-world.ts'
import type { Instance, Role } from '../../test/simulation/revocation/instance.ts'
import { REAL } from '../../test/simulation/revocation/parts.ts'
import { LEASE_MS } from '../../test/simulation/revocation/schedule.ts'
import type { World } from '../../test/simulation/revocation/world.ts'
import type { Acknowledgement, Member } from './ports.ts'
import { createSettle, type SettleDeps } from './settle.ts'

const REVOKER: Role = { name: 'revoker', verifies: false, revokes: true, isOlder: false }
/** The name of the first process on the bus of a world. */
const REVOKER_ON_BUS = '0'
const target = tokenTarget('jti')
/** Extra time, in milliseconds, for some statements and for clocks that run at different speeds. */
const SLACK_MS = 0.05 * LEASE_MS + 40

/** How a revocation ended, and how long it took in true time. */
interface Ended {
  outcome?: 'returned' | 'failed'
  ms?: number
}

async function start(...roles: readonly Role[]) {
  const deps: SettleDeps[] = []
  const parts = {
    ...REAL,
    createSettle(given: SettleDeps) {
      deps.push(given)
      return createSettle(given)
    },
  }
  const world = await calmWorld([REVOKER, ...roles], parts)
  const [revoker] = world.instancesOf('revoker')
  const [own] = deps
  if (revoker === undefined || own === undefined) throw new Error('The world has no revoker')
  return {
    world,
    revoker,
    acknowledge: (given: Acknowledgement) => own.bus.publishAcknowledgement(given, REVOKER_ON_BUS),
  }
}

function revoke({ events }: World, by: Instance): Ended {
  const since = events.now()
  const ended: Ended = {}
  const end = (outcome: Ended['outcome']) => () => Object.assign(ended, { outcome, ms: events.now() - since })
  void by.revoke(target).then(end('returned'), end('failed'))
  return ended
}

/** Adds a lease row that has no process. */
function addGhost({ database }: World, given: Partial<Member> = {}): string {
  const ghost = { incarnation: 'ghost', leaseMs: 1_000, renewals: 3, logEpoch: 1, acknowledged: 0, ...given }
  database.image.members.set(ghost.incarnation, ghost)
  return ghost.incarnation
}
const rows = (world: World) => [...world.database.image.members.keys()]

it('settle returns as soon as every log follower has acknowledged', async () => {
  const { world, revoker } = await start(both('one'), both('two'))
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.outcome).toBe('returned')
  expect(ended.ms).toBeLessThan(20)
  expect(revoker.ranOut()).toBe(0)
})

it('settle returns at once without a bus when the only log follower is in its own process', async () => {
  const world = await calmWorld([both('alone')])
  Object.assign(world.placeOf('alone').busLink, { isCut: true, isConnected: false })
  const [alone] = world.all()
  if (alone === undefined) throw new Error('The world has no process')
  // Notifications from the database do not arrive either.
  world.weather.loss = 1
  const ended = revoke(world, alone)
  await pass(world, LEASE_MS)
  expect(ended.ms).toBeLessThan(10)
})

it('settle returns quickly without a bus, because log followers listen to the database', async () => {
  const { world, revoker } = await start(both('one'), both('two'))
  for (const name of world.names) Object.assign(world.placeOf(name).busLink, { isCut: true, isConnected: false })
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.ms).toBeLessThan(20)
})

it('settle finds an acknowledgement in the database that was lost on the bus', async () => {
  const { world, revoker } = await start(both('one'))
  world.placeOf('revoker').busLink.isCut = true
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.outcome).toBe('returned')
  expect(ended.ms).toBeLessThan(0.6 * LEASE_MS)
  expect(revoker.ranOut()).toBe(0)
})

it.each([300, 1_000])(
  'settle waits for a silent log follower until its lease of %i ms has run out, and removes its lease row',
  async (leaseMs) => {
    const { world, revoker } = await start()
    addGhost(world, { leaseMs })
    const ended = revoke(world, revoker)
    await pass(world, LEASE_MS)
    expect(ended.outcome).toBe('returned')
    expect(ended.ms).toBeGreaterThan(0.95 * leaseMs)
    expect(ended.ms).toBeLessThan(leaseMs + SLACK_MS)
    expect(rows(world)).toEqual([])
    expect(revoker.ranOut()).toBe(1)
  },
)

it('settle keeps the row of a log follower that renews during the wait, and does not wait longer for it', async () => {
  const { world, revoker } = await start()
  addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 500)
  addGhost(world, { renewals: 4 })
  await pass(world, LEASE_MS)
  expect(ended.ms).toBeLessThan(1_000 + SLACK_MS)
  expect(rows(world)).toEqual(['ghost'])
})

it('settle does not wait for a log follower whose lease row is removed', async () => {
  const { world, revoker } = await start()
  const ghost = addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 100)
  expect(ended.outcome).toBeUndefined()
  world.database.image.members.delete(ghost)
  await pass(world, 100)
  expect(ended.outcome).toBe('returned')
})

it('settle waits for a log follower whose lease row another server lacks', async () => {
  const { world, revoker } = await start()
  const ghost = addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 100)
  world.database.image.server = 'another server'
  world.database.image.members.delete(ghost)
  await pass(world, 500)
  expect(ended.outcome).toBeUndefined()
  await pass(world, LEASE_MS)
  expect(ended.ms).toBeGreaterThan(0.95 * 1_000)
})

it('settle fails when the server that has named the leases does not confirm a commit, but another server does', async () => {
  const world = await calmWorld([both('revoker')], {
    ...REAL,
    createSettle: (deps) =>
      REAL.createSettle({ ...deps, store: { ...deps.store, confirm: async () => 'another server' } }),
  })
  const [revoker] = world.all()
  if (revoker === undefined) throw new Error('The world has no process')
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.outcome).toBe('failed')
})

it.each<[string, Partial<Acknowledgement>, boolean]>([
  ['its own incarnation, epoch and sequence', {}, true],
  ['a later sequence', { sequence: 2 }, true],
  ['an earlier sequence', { sequence: 0 }, false],
  ['another log epoch', { logEpoch: 0 }, false],
  ['another incarnation', { incarnation: 'other' }, false],
])('settle accepts an acknowledgement with %s (%j): %s', async (_, given, counts) => {
  const { world, revoker, acknowledge } = await start()
  const incarnation = addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 30)
  acknowledge({ incarnation, logEpoch: 1, sequence: 1, ...given })
  await pass(world, 20)
  expect(ended.outcome).toBe(counts ? 'returned' : undefined)
})

it.each<[Partial<Member>, boolean]>([
  [{ acknowledged: 1 }, true],
  [{ acknowledged: 1, logEpoch: 0 }, false],
  [{ acknowledged: 0 }, false],
])('settle accepts the acknowledgement in a lease row with %j: %s', async (given, counts) => {
  const { world, revoker } = await start()
  addGhost(world, given)
  const ended = revoke(world, revoker)
  await pass(world, 100)
  expect(ended.outcome).toBe(counts ? 'returned' : undefined)
})

it('settle fails when the database fails after the commit, and a repeated call waits', async () => {
  const { world, revoker } = await start()
  addGhost(world)
  const first = revoke(world, revoker)
  while (world.database.image.head.sequence === 0) await pass(world, 0.1)
  world.placeOf('revoker').link.isCut = true
  await pass(world, 3_000)
  expect(first.outcome).toBe('failed')
  world.placeOf('revoker').link.isCut = false
  const again = revoke(world, revoker)
  await pass(world, 500)
  expect(again.outcome).toBeUndefined()
  await pass(world, LEASE_MS)
  expect(again.outcome).toBe('returned')
})

it('settle returns when the leases have run out, even if the database fails during the wait', async () => {
  const { world, revoker } = await start()
  addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 100)
  world.placeOf('revoker').link.isCut = true
  await pass(world, 3 * LEASE_MS)
  expect(ended.outcome).toBe('returned')
})

it('settle waits for at most one lease with 4 dead log followers and a slow database', async () => {
  const { world, revoker } = await start()
  for (const incarnation of ['dead 1', 'dead 2', 'dead 3', 'dead 4'])
    addGhost(world, { incarnation, leaseMs: LEASE_MS })
  const ended = revoke(world, revoker)
  await pass(world, 30)
  // Longer than two leases.
  world.placeOf('revoker').link.reply = [2 * LEASE_MS, 2 * LEASE_MS]
  await pass(world, LEASE_MS + SLACK_MS)
  expect(ended).toMatchObject({ outcome: 'returned' })
  expect(revoker.ranOut()).toBe(4)
})
