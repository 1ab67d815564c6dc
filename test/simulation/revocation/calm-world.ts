import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { end, type Target } from './image.ts'
import type { Role } from './instance.ts'
import { type Parts, REAL } from './parts.ts'
import { createWorld, type World } from './world.ts'

/** Returns a role that verifies and revokes. */
export const both = (name: string): Role => ({ name, verifies: true, revokes: true, isOlder: false })

/** Starts a deployment in which nothing goes wrong by itself. Every verifier is running. */
export async function calmWorld(roles: readonly Role[], parts: Parts = REAL): Promise<World> {
  const database = { commit: [1, 2], failure: 0, timeoutMs: 1_000 } as const
  const chosen = { seed: 1, keptFor: 1e9, faults: [], wishes: [], homeWishes: [], healedAt: 0, isDatabaseWell: true }
  const world = createWorld({ ...chosen, roles, database }, parts)
  Object.assign(world.weather, { loss: 0, duplication: 0, lateness: 0 })
  await world.events.runUntil(100)
  return world
}

/** Returns the target of a token's revocation. */
export const tokenTarget = (jti: string): Target => ({
  kind: 'token',
  operatorId: 'operator',
  subject: jti,
  minimumEpoch: 0,
})

/** Commits a revocation without notifying any process. */
export function endSilently({ database, events }: World, target: Target): RevocationRecord {
  const record = end(database.image, target, events.now(), 1e9)
  if (record === undefined) throw new Error('The target was ended before')
  return record
}

/** Lets virtual time pass. */
export function pass({ events }: World, ms: number): Promise<void> {
  return events.runUntil(events.now() + ms)
}
