import { tokenKind } from '../../../services/keys/domain/key-kinds.ts'
import { createRandom, type Random } from '../revocation/random.ts'
import { fetchKeySet } from './clients.ts'
import { takeStep } from './database.ts'
import { disturb } from './disturb.ts'
import type { Parts } from './parts.ts'
import { start } from './start.ts'
import { createTimeline } from './timeline.ts'
import type { Settings, World } from './world.ts'

/** Runs the simulation of a seed, through about ten rotations. */
export function run(seed: number, parts: Parts): World {
  const random = createRandom(seed)
  const world: World = {
    parts,
    settings: drawSettings(random),
    random,
    timeline: createTimeline(),
    instances: Array.from({ length: 2 + random.below(2) }, () => undefined),
    copies: Array.from({ length: 4 }, () => ({ kids: new Set<string>(), until: 0 })),
    // Otherwise begins with a key from an earlier version, which knew only one kind.
    rows: random.chance(0.7)
      ? []
      : takeStep([], { to: 'new', ...tokenKind('EdDSA'), state: 'active' }, { now: 0, offMs: 0, lagS: 0 }),
    offMs: 0,
    expires: new Map(),
    unsettled: new Map(),
    violations: [],
    seen: {},
  }
  const { settings, timeline } = world
  for (const slot of world.instances.keys()) timeline.after(random.between(0, 3), () => start(world, slot))
  // Clients fetch every second copy regularly. They fetch the other copies right before keys change.
  for (const index of world.copies.keys()) if (index % 2 === 0) refetch(world, index)
  disturb(world)
  timeline.run(10 * settings.times.rotateAfterS, () => world.violations.length > 0)
  return world
}

/**
 * Draws settings with the server's formulas: a copy's longest age, the time a process serves from memory, and the
 * clock skew, which covers 2 % of such times.
 */
function drawSettings(random: Random): Settings {
  const maxAgeS = random.pick([5, 60, 300])
  const servedS = Math.min(10, maxAgeS)
  const publishS = maxAgeS + servedS + 10
  const rotateAfterS = publishS * random.pick([0.4, 1.2, 5, 20])
  return {
    times: { rotateAfterS, publishS, retireAfterS: 3_900 },
    maxAgeS,
    servedS,
    passS: rotateAfterS / random.between(4, 12),
  }
}

/** Fetches a copy again when it is too old, or earlier. */
function refetch(world: World, index: number): void {
  const { random, settings, timeline } = world
  const s = random.chance(0.5) ? random.between(0.2, 1.2) * settings.maxAgeS : random.between(0, 2) * settings.passS
  timeline.after(s, () => {
    fetchKeySet(world, index)
    refetch(world, index)
  })
}
