import { expect, it } from 'vitest'
import { both, calmWorld, pass, tokenTarget } from '../../test/simulation/revocation/calm-world.ts'
import type { Instance, Role } from '../../test/simulation/revocation/instance.ts'
import { REAL } from '../../test/simulation/revocation/parts.ts'
import { LEASE_MS } from '../../test/simulation/revocation/schedule.ts'
import type { World } from '../../test/simulation/revocation/world.ts'
import type { Acknowledgement, Member } from './ports.ts'
import { createSettle, type SettleDeps } from './settle.ts'

const REVOKER: Role = { name: 'revoker', verifies: false, revokes: true }
/** The first that the bus of a world has. */
const REVOKER_ON_BUS = '0'
const target = tokenTarget('jti')
/** Some statements, and what clocks differ by. */
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
  if (revoker === undefined || own === undefined) throw new Error('there is no revoker')
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

/** A member whose process nobody knows. */
function addGhost({ database }: World, given: Partial<Member> = {}): string {
  const ghost = { incarnation: 'ghost', leaseMs: 1_000, renewals: 3, logEpoch: 1, acknowledged: 0, ...given }
  database.image.members.set(ghost.incarnation, ghost)
  return ghost.incarnation
}
const rows = (world: World) => [...world.database.image.members.keys()]

it('returns as soon as all have acknowledged', async () => {
  const { world, revoker } = await start(both('one'), both('two'))
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.outcome).toBe('returned')
  expect(ended.ms).toBeLessThan(20)
  expect(revoker.ranOut()).toBe(0)
})

it('returns at once where the only verifier is its own, without a bus', async () => {
  const world = await calmWorld([both('alone')])
  Object.assign(world.placeOf('alone').busLink, { isCut: true, isConnected: false })
  const [alone] = world.all()
  if (alone === undefined) throw new Error('nobody runs')
  // Nor does it hear what the database tells.
  world.weather.loss = 1
  const ended = revoke(world, alone)
  await pass(world, LEASE_MS)
  expect(ended.ms).toBeLessThan(10)
})

it('returns when the verifiers have followed by the database alone, without a bus', async () => {
  const { world, revoker } = await start(both('one'), both('two'))
  for (const name of world.names) Object.assign(world.placeOf(name).busLink, { isCut: true, isConnected: false })
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.ms).toBeLessThan(20)
})

it('finds an acknowledgement in the database that got lost on the bus', async () => {
  const { world, revoker } = await start(both('one'))
  world.placeOf('revoker').busLink.isCut = true
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.outcome).toBe('returned')
  expect(ended.ms).toBeLessThan(0.6 * LEASE_MS)
  expect(revoker.ranOut()).toBe(0)
})

it.each([300, 1_000])('waits for a silent member as long as its row says, %i ms, and removes it', async (leaseMs) => {
  const { world, revoker } = await start()
  addGhost(world, { leaseMs })
  const ended = revoke(world, revoker)
  await pass(world, LEASE_MS)
  expect(ended.outcome).toBe('returned')
  expect(ended.ms).toBeGreaterThan(0.95 * leaseMs)
  expect(ended.ms).toBeLessThan(leaseMs + SLACK_MS)
  expect(rows(world)).toEqual([])
  expect(revoker.ranOut()).toBe(1)
})

it('does not remove a member that has renewed meanwhile, nor waits longer for it', async () => {
  const { world, revoker } = await start()
  addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 500)
  addGhost(world, { renewals: 4 })
  await pass(world, LEASE_MS)
  expect(ended.ms).toBeLessThan(1_000 + SLACK_MS)
  expect(rows(world)).toEqual(['ghost'])
})

it('does not wait for a member that has left', async () => {
  const { world, revoker } = await start()
  const ghost = addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 100)
  expect(ended.outcome).toBeUndefined()
  world.database.image.members.delete(ghost)
  await pass(world, 100)
  expect(ended.outcome).toBe('returned')
})

it.each<[string, Partial<Acknowledgement>, boolean]>([
  ['its own incarnation, epoch and sequence', {}, true],
  ['a later sequence', { sequence: 2 }, true],
  ['an earlier sequence', { sequence: 0 }, false],
  ['another log epoch', { logEpoch: 0 }, false],
  ['another incarnation', { incarnation: 'other' }, false],
])('of acknowledgements takes those of a member with %s: %j counts: %s', async (_, given, counts) => {
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
])('takes the row of a member for its acknowledgement: %j counts: %s', async (given, counts) => {
  const { world, revoker } = await start()
  addGhost(world, given)
  const ended = revoke(world, revoker)
  await pass(world, 100)
  expect(ended.outcome).toBe(counts ? 'returned' : undefined)
})

it('fails when the database goes away after the commit, and its repetition waits', async () => {
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

it('returns when the leases have run out although the database has gone meanwhile', async () => {
  const { world, revoker } = await start()
  addGhost(world)
  const ended = revoke(world, revoker)
  await pass(world, 100)
  world.placeOf('revoker').link.isCut = true
  await pass(world, 3 * LEASE_MS)
  expect(ended.outcome).toBe('returned')
})

it('waits for one lease at most, however many are dead and however slow the database has become', async () => {
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
