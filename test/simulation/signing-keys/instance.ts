import type { Row } from './database.ts'
import type { Instance, World } from './world.ts'

/** Creates an instance with a clock that runs up to 2 % too fast or too slow. */
export function createInstance(world: World): Instance {
  const { parts, timeline, random, settings } = world
  const rate = random.between(0.98, 1.02)
  const offsetS = random.between(0, 1e6)
  const monotonicS = () => offsetS + rate * timeline.now()
  const ages = parts.createKeyAges(() => monotonicS() * 1000)
  let memory: { readonly rows: readonly Row[]; readonly readS: number } | undefined
  const look = () => {
    const told =
      memory === undefined && !parts.isDeceived ? world.rows.map((row) => undeceived(row, world)) : world.rows
    memory = { rows: world.rows, readS: monotonicS() }
    return ages.look(told, timeline.now() * 1000 + world.offMs)
  }
  return {
    startedAt: timeline.now(),
    isSlow: world.rows.some(({ offMs }) => offMs > world.offMs),
    isDead: false,
    crashes: undefined,
    look,
    get remembered() {
      return memory?.rows ?? []
    },
    published() {
      if (memory === undefined || monotonicS() - memory.readS > settings.servedS) look()
      return (memory?.rows ?? []).filter(({ state }) => state !== 'retired' && state !== 'compromised')
    },
  }
}

/** Returns a row with the age that it would have if the clock had not been set forward since. */
function undeceived(row: Row, { offMs }: World): Row {
  return { ...row, sinceMs: row.sinceMs + Math.max(0, offMs - row.offMs) }
}
