import { endAtHome, fulfil, STANDING, sendVerification, understanding } from './clients.ts'
import { begin, compactNow } from './faults.ts'
import type { Verification } from './history.ts'
import { isAboutTrust } from './image.ts'
import type { Parts } from './parts.ts'
import { LEASE_MS, type Schedule } from './schedule.ts'
import { createWorld, type World } from './world.ts'

/** A run at its end. */
export interface Run {
  readonly world: World
  readonly schedule: Schedule
  /** The answer of each verifier about each target, some time after the last fault has ended. */
  readonly last: readonly Verification[]
}

/** Runs a schedule to its end. */
export async function run(schedule: Schedule, parts: Parts): Promise<Run> {
  const world = createWorld(schedule, parts)
  const { events, random } = world
  for (const fault of schedule.faults) events.after(fault.at, () => begin(world, fault))
  for (const wish of schedule.wishes) events.after(wish.at, () => fulfil(world, wish))
  for (const { at, target } of schedule.homeWishes) events.after(at, () => endAtHome(world, target))
  const targets = [STANDING, ...[...schedule.wishes, ...schedule.homeWishes].map(({ target }) => target)]
  const lastWish = Math.max(...schedule.wishes.map(({ at, patienceMs }) => at + patienceMs))
  const healed = Math.max(schedule.healedAt, lastWish)
  for (let at = 0; at < healed; at += random.between(0, 0.3) * LEASE_MS)
    events.after(at, () => {
      const target = random.pick(targets)
      const processes = understanding(world, target)
      if (processes.length > 0) void sendVerification(world, random.pick(processes), target)
    })
  const hasUnknownKind = schedule.faults.some(({ kind }) => kind === 'unknown-kind')
  events.after(healed, () => {
    world.database.heal()
    if (hasUnknownKind) compactNow(world, Number.POSITIVE_INFINITY)
  })
  // A verifier that has read a record of an unknown kind may need this long until it answers again.
  const isUnknownToOlder =
    schedule.roles.some(({ isOlder }) => isOlder) && schedule.wishes.some(({ target }) => isAboutTrust(target))
  const unknown = hasUnknownKind || isUnknownToOlder ? 16 * LEASE_MS : 0
  // After the last fault, two statements may still time out one after the other, and then a verifier may need a new
  // lease.
  await events.runUntil(healed + 2.2 * schedule.database.timeoutMs + 2 * LEASE_MS + unknown)
  const last = targets.flatMap((target) =>
    understanding(world, target)
      .filter(({ verifies }) => verifies)
      .map((instance) => sendVerification(world, instance, target)),
  )
  await events.runUntil(events.now() + LEASE_MS / 10)
  return { world, schedule, last }
}
