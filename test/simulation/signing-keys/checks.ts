import { isOfKind, KEY_KINDS, type KeyKind, nameOf } from '../../../services/keys/domain/key-kinds.ts'
import type { KeyFacts } from '../../../services/keys/domain/plan-rotation.ts'
import { ApiError } from '../../../services/platform/errors/api-error.ts'
import { SLOWEST } from './clients.ts'
import type { Row } from './database.ts'
import type { Instance } from './world.ts'
import { blame, note, type World } from './world.ts'

/** Checks the keys that a commit would leave. */
export function checkCommit(
  world: World,
  after: readonly Row[],
  { isForced = false }: { readonly isForced?: boolean },
): void {
  const { rows, timeline, expires } = world
  const now = timeline.now()
  const before = new Map(rows.map((row) => [row.kid, row]))
  for (const { kid, state } of after) {
    if (before.get(kid)?.state === state) continue
    note(world, state)
    if (state === 'compromised') expires.delete(kid)
    if (state === 'retired' && (expires.get(kid) ?? 0) > now)
      blame(world, `${kid} is retired before its last token expires`)
  }
  for (const kind of KEY_KINDS) {
    countUnsettled(world, kind, before, after)
    if (count(rows, kind, 'active') === 0 || count(after, kind, 'active') > 0) continue
    note(world, 'nothing signs')
    if (!isForced) blame(world, `no ${nameOf(kind)} key is active, and no call has forced it`)
  }
}

/** Checks after a pass of an instance that a key is ready and that no state lasts too long. */
export function checkPass(world: World, instance: Instance): void {
  const keys = instance.look()
  for (const kind of KEY_KINDS) {
    checkReady(world, instance, keys, kind)
    checkTimes(world, instance, kind)
  }
}

/** Returns the longest time between two moments at which an instance reads the keys, in seconds. */
function gapS({ settings }: World): number {
  return 2 * settings.passS + 3
}

/** Returns after how many seconds every running instance knows that a new key is ready. */
function settlesInS(world: World): number {
  return (world.settings.times.publishS + gapS(world)) / SLOWEST
}

function countUnsettled(world: World, kind: KeyKind, before: ReadonlyMap<string, Row>, after: readonly Row[]): void {
  const own = after.filter((row) => isOfKind(kind, row))
  const taken = own.filter(({ kid, state }) => before.get(kid)?.state === 'prepared' && state !== 'prepared').length
  const made = own.filter(({ kid, state }) => !before.has(kid) && state === 'prepared').length
  const moments = Array.from({ length: Math.max(taken, made) }, () => world.timeline.now())
  world.unsettled.set(nameOf(kind), [...(world.unsettled.get(nameOf(kind)) ?? []), ...moments])
}

/** Expects that one of the two keys in reserve is ready, unless two keys of the reserve became active recently. */
function checkReady(world: World, instance: Instance, keys: readonly KeyFacts[], kind: KeyKind): void {
  const { parts, settings, timeline, unsettled } = world
  const since = timeline.now() - settlesInS(world)
  const recent = (unsettled.get(nameOf(kind)) ?? []).filter((moment) => moment >= since)
  if (recent.length > 1 || (instance.isSlow && instance.startedAt > since)) return
  const isReady = ({ kid }: KeyFacts): boolean => {
    try {
      return parts.planRotateNow(keys, settings.times, { kid }).length > 0
    } catch (error) {
      if (error instanceof ApiError) return false
      throw error
    }
  }
  if (keys.some((key) => isOfKind(kind, key) && isReady(key))) note(world, 'a key is ready')
  else blame(world, `no ${nameOf(kind)} key is ready`)
}

function checkTimes(world: World, { isSlow, startedAt }: Instance, kind: KeyKind): void {
  const { settings, timeline, unsettled, rows } = world
  const { rotateAfterS, retireAfterS } = settings.times
  const now = timeline.now()
  const since = (moment = 0) => (isSlow ? Math.max(moment, startedAt) : moment)
  const isOver = (moment: number | undefined, seconds: number) => now > since(moment) + gapS(world) + seconds / SLOWEST
  const own = rows.filter((row) => isOfKind(kind, row))
  const active = own.find(({ state }) => state === 'active')
  const isSettled = now > since(unsettled.get(nameOf(kind))?.at(-1)) + settlesInS(world)
  if (isSettled && active === undefined) blame(world, `no ${nameOf(kind)} key has become active`)
  if (isSettled && active !== undefined && isOver(active.entered.active, rotateAfterS))
    blame(world, `${active.kid} has not been rotated`)
  for (const { kid, entered } of own.filter(({ state }) => state === 'retiring'))
    if (isOver(entered.retiring, retireAfterS)) blame(world, `${kid} has not been retired`)
}

function count(rows: readonly Row[], kind: KeyKind, state: Row['state']): number {
  return rows.filter((row) => isOfKind(kind, row) && row.state === state).length
}
