import { isOfKind, KEY_KINDS } from '../../../services/keys/domain/key-kinds.ts'
import { type Change, carryOut } from './carry-out.ts'
import { checkCommit } from './checks.ts'
import { signAll } from './clients.ts'
import { type Row, takeStep } from './database.ts'
import { restart } from './start.ts'
import type { Instance } from './world.ts'
import { momentOf, note, type World } from './world.ts'

const HOUR_S = 3_600
const MONTH_S = 30 * 24 * HOUR_S

const KINDS: readonly ((world: World) => void)[] = [
  setClock,
  setClock,
  (world) => restart(world, world.random.below(world.instances.length)),
  function crashSoon(world) {
    const { instance } = pickSlot(world)
    if (instance !== undefined) instance.crashes = world.random.pick(['before', 'between', 'after'] as const)
  },
  rotateNow,
  compromise,
  insist,
  insist,
  importKey,
  request,
  request,
  function beDownForAMonth(world) {
    if (world.random.chance(0.8)) return
    for (const slot of world.instances.keys()) restart(world, slot)
    world.timeline.skip(MONTH_S)
    note(world, 'all are down for a month')
  },
]

/** Disturbs the world at random times. */
export function disturb(world: World): void {
  const { random, settings, timeline } = world
  timeline.after((random.between(0, 2) * settings.times.rotateAfterS) / 4, () => {
    random.pick(KINDS)(world)
    disturb(world)
  })
}

/** Sets the clock by minutes, hours or days, and sometimes right again. */
function setClock(world: World): void {
  const { random } = world
  note(world, 'the clock is set')
  const by = random.pick([60, HOUR_S, 240 * HOUR_S]) * 1000
  world.offMs = random.chance(0.3) ? 0 : world.offMs + random.between(-1, 1) * by
}

/** Picks a slot, with the instance that runs in it, if any. */
function pickSlot({ random, instances }: World): { readonly slot: number; readonly instance: Instance | undefined } {
  const slot = random.below(instances.length)
  return { slot, instance: instances[slot] }
}

function ask(world: World, change: Omit<Change, 'crash'>): void {
  const { slot, instance } = pickSlot(world)
  if (instance !== undefined) carryOut(world, instance, { ...change, crash: () => restart(world, slot) })
}

function rotateNow(world: World): void {
  const { random, parts, settings, rows } = world
  const kind = random.pick(KEY_KINDS)
  const { alg } = kind
  const [row] = random.shuffle(rows.filter((each) => isOfKind(kind, each)))
  const kid = row?.kid ?? 'unknown'
  const wish = random.pick([{}, { alg }, { kid }, { alg, kid }])
  ask(world, { what: 'rotate now', plan: (keys) => parts.planRotateNow(keys, settings.times, wish) })
}

function compromise(world: World): void {
  const { random, rows } = world
  const wanted = random.pick(['active', 'prepared', 'retiring', 'retired', 'compromised'])
  const [row] = random.shuffle(rows.filter(({ state }) => state === wanted))
  if (row !== undefined) markCompromised(world, row.kid, random.chance(0.5))
}

function markCompromised(world: World, kid: string, isForced: boolean): void {
  const { parts, settings } = world
  const wish = { kid, force: isForced }
  ask(world, { what: 'compromise', isForced, plan: (keys) => parts.planCompromise(keys, settings.times, wish) })
}

/** Acts as an administrator who rotates keys, or marks them as compromised, again as soon as the server allows it. */
function insist(world: World): void {
  const { random, parts, settings, timeline } = world
  const { times } = settings
  const kind = random.pick(KEY_KINDS)
  const compromises = random.chance(0.3)
  const onceMore = (left: number) => {
    const inState = (state: Row['state']) => world.rows.find((row) => isOfKind(kind, row) && row.state === state)
    const active = inState('active')
    // An introspection key is rotated by its kid, because `alg` names a token key.
    const wish = kind.purpose === 'access_token' ? { alg: kind.alg } : { kid: inState('prepared')?.kid ?? 'unknown' }
    if (!compromises) ask(world, { what: 'rotate now', plan: (keys) => parts.planRotateNow(keys, times, wish) })
    else if (active !== undefined) markCompromised(world, active.kid, random.chance(0.5))
    if (left > 0) timeline.after(random.between(0, 0.3) * times.publishS, () => onceMore(left - 1))
  }
  onceMore(20)
}

function importKey(world: World): void {
  const kind = world.random.pick(KEY_KINDS)
  const imported = takeStep(world.rows, { to: 'new', ...kind, state: 'prepared' }, momentOf(world))
  checkCommit(world, imported, {})
  world.rows = imported
}

/** Makes a token request that takes time, so that keys may change during the request. */
function request(world: World): void {
  const { random, timeline } = world
  const began = timeline.now()
  const { instance } = pickSlot(world)
  timeline.after(random.between(0, 3), () => {
    if (instance?.isDead === false) signAll(world, instance, began, random.between(30, HOUR_S))
  })
}
