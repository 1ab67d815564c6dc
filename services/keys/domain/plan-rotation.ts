import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyState } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { isOfKind, KEY_KINDS, type KeyKind, nameOf, tokenKind } from './key-kinds.ts'

/** The facts about a signing key that a plan depends on. */
export interface KeyFacts extends KeyKind {
  readonly kid: string
  readonly state: KeyState
  /** How long the key has been in this state, in seconds. */
  readonly ageS: number
}

/** Times of a rotation, in seconds. */
export interface RotationTimes {
  /** How long a key signs. */
  readonly rotateAfterS: number
  /** How long the server publishes a key before the key signs: until every cached JWKS contains the key. */
  readonly publishS: number
  /** How long a key verifies after it stops signing: until its last signature cannot matter any more. */
  readonly retireAfterS: number
}

/**
 * One change of one key. carryOut carries out the steps of a plan in one transaction: first the keys that leave a
 * state, then those that become active, then the new ones.
 */
export type Step =
  | { readonly to: Exclude<KeyState, 'prepared'>; readonly kid: string }
  | ({ readonly to: 'new'; readonly state: 'prepared' | 'active' } & KeyKind)

type Keys = readonly KeyFacts[]

/**
 * Number of prepared keys of each kind in the reserve. While one of them becomes active, the other can become
 * ready.
 */
const RESERVE = 2

/**
 * Plans the steps that are due. In an empty deployment the first key of each kind becomes active at once, because no
 * verifier has cached a JWKS without this key. The server publishes every other key for `publishS` before the key
 * becomes active. This is also true for the first key of a kind that a later version adds, and for the key that
 * follows a forced mark as compromised.
 * @param keys all keys, oldest first
 */
export function planSchedule(keys: Keys, times: RotationTimes): readonly Step[] {
  return KEY_KINDS.flatMap((kind) => {
    const first: Step[] = keys.length === 0 ? [{ to: 'new', ...kind, state: 'active' }] : []
    return withReserve(keys, kind, [...first, ...rotateByAge(keys, kind, times), ...retire(keys, kind, times)])
  })
}

/**
 * The administrator's choice for a rotation: the token key of an algorithm, or a prepared key of any kind. Without
 * both it means all kinds.
 */
export interface RotateWish {
  readonly alg?: TokenAlgorithm
  readonly kid?: string
}

/**
 * Plans to make the named key active, or else the oldest ready key of each kind, for all kinds or none. The schedule
 * fills the reserve later. Without a named algorithm, it skips kinds that have neither an active nor a ready key,
 * because the schedule will activate their first key.
 * @param keys all keys, oldest first
 * @throws ApiError KEY_NOT_FOUND when there is no such key of the algorithm. KEY_NOT_READY with the seconds until a
 * key is ready, or without the seconds when the named key is not prepared.
 */
export function planRotateNow(keys: Keys, times: RotationTimes, { alg, kid }: RotateWish): readonly Step[] {
  if (kid !== undefined) {
    const named = find(keys, kid, alg)
    if (named.state !== 'prepared')
      throw new ApiError('KEY_NOT_READY', `The key is ${named.state}, but only a prepared key can become active`)
    if (!isReady(named, times)) throw notReady('The key has not been published for long enough', [named], times)
    return handOver(keys, named)
  }
  const kinds = alg === undefined ? KEY_KINDS.filter((kind) => isInUse(keys, kind, times)) : [tokenKind(alg)]
  if (kinds.length === 0) throw notReady('No key has been published for long enough', keys, times)
  return kinds.flatMap((kind) => handOver(keys, readyOrThrow(keys, kind, times)))
}

/**
 * Plans to mark a key as compromised. If the key was active, the oldest ready key becomes active in its place. Does
 * nothing when the key is already compromised. It plans no new key, because generating a key may take long or fail;
 * the schedule fills the reserve later.
 * @param keys all keys, oldest first
 * @param wish `force` marks an active key even when no key is ready. The kind then has no active key until a key is
 * ready and the schedule activates it.
 * @throws ApiError KEY_NOT_FOUND. KEY_NOT_READY with the seconds until a key is ready.
 */
export function planCompromise(
  keys: Keys,
  times: RotationTimes,
  { kid, force }: { readonly kid: string; readonly force: boolean },
): readonly Step[] {
  const key = find(keys, kid)
  if (key.state === 'compromised') return []
  const steps: Step[] = [{ to: 'compromised', kid }]
  if (key.state === 'active') {
    const successor = force ? oldestReady(keys, key, times) : readyOrThrow(keys, key, times)
    if (successor !== undefined) steps.push({ to: 'active', kid: successor.kid })
  }
  return steps
}

function rotateByAge(keys: Keys, kind: KeyKind, times: RotationTimes): readonly Step[] {
  const active = inState(keys, kind, 'active')[0]
  const next = oldestReady(keys, kind, times)
  const isDue = active === undefined || active.ageS >= times.rotateAfterS
  return isDue && next !== undefined ? handOver(keys, next) : []
}

function retire(keys: Keys, kind: KeyKind, { retireAfterS }: RotationTimes): readonly Step[] {
  return inState(keys, kind, 'retiring')
    .filter(({ ageS }) => ageS >= retireAfterS)
    .map(({ kid }) => ({ to: 'retired', kid }))
}

/** Plans to replace the active key of the same kind. */
function handOver(keys: Keys, next: KeyFacts): readonly Step[] {
  const old = inState(keys, next, 'active').map(({ kid }): Step => ({ to: 'retiring', kid }))
  return [...old, { to: 'active', kid: next.kid }]
}

/** Adds steps that create the prepared keys which the reserve will lack after the given steps. */
function withReserve(keys: Keys, kind: KeyKind, steps: readonly Step[]): readonly Step[] {
  const taken = new Set(steps.map((step) => (step.to === 'new' ? undefined : step.kid)))
  const left = inState(keys, kind, 'prepared').filter(({ kid }) => !taken.has(kid))
  const lacking = Math.max(0, RESERVE - left.length)
  return [...steps, ...Array.from({ length: lacking }, (): Step => ({ to: 'new', ...kind, state: 'prepared' }))]
}

function inState(keys: Keys, kind: KeyKind, state: KeyState): Keys {
  return keys.filter((key) => isOfKind(kind, key) && key.state === state)
}

function isReady({ ageS }: KeyFacts, { publishS }: RotationTimes): boolean {
  return ageS >= publishS
}

function oldestReady(keys: Keys, kind: KeyKind, times: RotationTimes): KeyFacts | undefined {
  return inState(keys, kind, 'prepared').find((key) => isReady(key, times))
}

function isInUse(keys: Keys, kind: KeyKind, times: RotationTimes): boolean {
  return inState(keys, kind, 'active').length > 0 || oldestReady(keys, kind, times) !== undefined
}

function find(keys: Keys, kid: string, alg?: TokenAlgorithm): KeyFacts {
  const key = keys.find((each) => each.kid === kid && (alg === undefined || each.alg === alg))
  if (key === undefined) throw new ApiError('KEY_NOT_FOUND')
  return key
}

function readyOrThrow(keys: Keys, kind: KeyKind, times: RotationTimes): KeyFacts {
  const ready = oldestReady(keys, kind, times)
  if (ready !== undefined) return ready
  const prepared = inState(keys, kind, 'prepared')
  throw notReady(`No prepared ${nameOf(kind)} key has been published for long enough`, prepared, times)
}

/**
 * Creates KEY_NOT_READY. Without a prepared key the wait is the full `publishS`, because the schedule must create a
 * key first.
 */
function notReady(what: string, keys: Keys, { publishS }: RotationTimes): ApiError {
  const ages = keys.filter(({ state }) => state === 'prepared').map(({ ageS }) => ageS)
  const retryAfter = Math.ceil(publishS - Math.max(0, ...ages))
  return new ApiError('KEY_NOT_READY', `${what}; the next key is ready in ${retryAfter} s`, { retryAfter })
}
