import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { end, type Target } from './image.ts'
import type { Role } from './instance.ts'
import { type Parts, REAL } from './parts.ts'
import { createWorld, type World } from './world.ts'

/** A process that verifies and revokes. */
export const both = (name: string): Role => ({ name, verifies: true, revokes: true })

/** A deployment in which nothing goes wrong by itself, with every verifier at work. */
export async function calmWorld(roles: readonly Role[], parts: Parts = REAL): Promise<World> {
  const database = { commit: [1, 2], failure: 0, timeoutMs: 1_000 } as const
  const chosen = { seed: 1, keptFor: 1e9, faults: [], wishes: [], healedAt: 0, isDatabaseWell: true }
  const world = createWorld({ ...chosen, roles, database }, parts)
  Object.assign(world.weather, { loss: 0, duplication: 0, lateness: 0 })
  await world.events.runUntil(100)
  return world
}

/** A token's id as a revocation names it. */
export const tokenTarget = (jti: string): Target => ({
  kind: 'token',
  operatorId: 'operator',
  subject: jti,
  minimumEpoch: 0,
})

/** Commits a revocation of which nobody is told. */
export function endSilently({ database, events }: World, target: Target): RevocationRecord {
  const record = end(database.image, target, events.now(), 1e9)
  if (record === undefined) throw new Error('it has been ended before')
  return record
}

/** Lets time pass. */
export function pass({ events }: World, ms: number): Promise<void> {
  return events.runUntil(events.now() + ms)
}
