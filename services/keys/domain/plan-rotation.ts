import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { KeyState } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** A signing key as the plan sees it. */
export interface KeyFacts {
  readonly kid: string
  readonly alg: TokenAlgorithm
  readonly state: KeyState
  /** For how long it has been in this state, in seconds. */
  readonly ageS: number
}

/** Times of a rotation, in seconds. */
export interface RotationTimes {
  /** For how long a key signs. */
  readonly rotateAfterS: number
  /** For how long a key is published before it signs: until no cached key set is without it. */
  readonly publishS: number
  /** For how long a key verifies after it has ceased to sign: until its last token has expired. */
  readonly retireAfterS: number
}

/** One change of the keys. They are carried out in their order, in one transaction. */
export type Step =
  | { readonly to: Exclude<KeyState, 'prepared'>; readonly kid: string }
  | { readonly to: 'new'; readonly alg: TokenAlgorithm; readonly state: 'prepared' | 'active' }

type Keys = readonly KeyFacts[]

/** Prepared keys of each algorithm: one that is ready, and one that becomes so while the first takes over. */
const RESERVE = 2

/**
 * What is due. `keys` are all there are, oldest first. Where there are none, the first key of each algorithm is made active at
 * once: no key set has been published that could lack it. Every other key has been published for `publishS` before it is
 * active, also the first of an algorithm that has joined later, and the one after a forced compromise.
 */
export function planSchedule(keys: Keys, times: RotationTimes): readonly Step[] {
  return TOKEN_ALGORITHMS.flatMap((alg) => {
    const first: Step[] = keys.length === 0 ? [{ to: 'new', alg, state: 'active' }] : []
    return withReserve(keys, alg, [...first, ...rotateByAge(keys, alg, times), ...retire(keys, alg, times)])
  })
}

/** What the administrator may say of a rotation: which algorithm, or which prepared key; all algorithms by default. */
export interface RotateWish {
  readonly alg?: TokenAlgorithm
  readonly kid?: string
}

/**
 * Makes ready keys sign at once, of each algorithm the oldest; the schedule fills the reserve up. All or nothing. An algorithm
 * that no key signs for and no key is ready for is left out unless it is asked for: there is nothing to rotate, and the schedule
 * activates its first key. `keys` are all there are, oldest first. Throws KEY_NOT_FOUND (no such key of the algorithm), and
 * KEY_NOT_READY with the seconds after which a key will be ready; without them where the key named is not a prepared one.
 */
export function planRotateNow(keys: Keys, times: RotationTimes, { alg, kid }: RotateWish): readonly Step[] {
  if (kid !== undefined) {
    const named = find(keys, kid, alg)
    if (named.state !== 'prepared') throw new ApiError('KEY_NOT_READY', `the key is ${named.state}, not prepared`)
    if (!isReady(named, times)) throw notReady('the key has not been published for long enough', [named], times)
    return handOver(keys, named)
  }
  const algorithms = alg === undefined ? TOKEN_ALGORITHMS.filter((each) => isInUse(keys, each, times)) : [alg]
  if (algorithms.length === 0) throw notReady('no key has been published for long enough', keys, times)
  return algorithms.flatMap((each) => handOver(keys, readyOrThrow(keys, each, times)))
}

/**
 * Takes a key out of use, and lets the oldest ready one sign in its place if it signed. It makes no key, which may take long,
 * or fail: the schedule fills the reserve up. Does nothing where the key is compromised already. Where none is ready, `force`
 * leaves the algorithm without a key that signs until the schedule finds one ready. `keys` are all there are, oldest first. Throws KEY_NOT_FOUND, and KEY_NOT_READY with the seconds
 * after which a key will be ready.
 */
export function planCompromise(
  keys: Keys,
  times: RotationTimes,
  { kid, force }: { readonly kid: string; readonly force: boolean },
): readonly Step[] {
  const { alg, state } = find(keys, kid)
  if (state === 'compromised') return []
  const steps: Step[] = [{ to: 'compromised', kid }]
  if (state === 'active') {
    const successor = force ? oldestReady(keys, alg, times) : readyOrThrow(keys, alg, times)
    if (successor !== undefined) steps.push({ to: 'active', kid: successor.kid })
  }
  return steps
}

function rotateByAge(keys: Keys, alg: TokenAlgorithm, times: RotationTimes): readonly Step[] {
  const active = inState(keys, alg, 'active')[0]
  const next = oldestReady(keys, alg, times)
  const isDue = active === undefined || active.ageS >= times.rotateAfterS
  return isDue && next !== undefined ? handOver(keys, next) : []
}

function retire(keys: Keys, alg: TokenAlgorithm, { retireAfterS }: RotationTimes): readonly Step[] {
  return inState(keys, alg, 'retiring')
    .filter(({ ageS }) => ageS >= retireAfterS)
    .map(({ kid }) => ({ to: 'retired', kid }))
}

/** In this order, for the database lets no two keys of an algorithm be active even for a moment. */
function handOver(keys: Keys, { alg, kid }: KeyFacts): readonly Step[] {
  const old = inState(keys, alg, 'active').map((active): Step => ({ to: 'retiring', kid: active.kid }))
  return [...old, { to: 'active', kid }]
}

/** Adds what the reserve will lack after the steps. */
function withReserve(keys: Keys, alg: TokenAlgorithm, steps: readonly Step[]): readonly Step[] {
  const taken = new Set(steps.map((step) => (step.to === 'new' ? undefined : step.kid)))
  const left = inState(keys, alg, 'prepared').filter(({ kid }) => !taken.has(kid))
  const lacking = Math.max(0, RESERVE - left.length)
  return [...steps, ...Array.from({ length: lacking }, (): Step => ({ to: 'new', alg, state: 'prepared' }))]
}

function inState(keys: Keys, alg: TokenAlgorithm, state: KeyState): Keys {
  return keys.filter((key) => key.alg === alg && key.state === state)
}

function isReady({ ageS }: KeyFacts, { publishS }: RotationTimes): boolean {
  return ageS >= publishS
}

function oldestReady(keys: Keys, alg: TokenAlgorithm, times: RotationTimes): KeyFacts | undefined {
  return inState(keys, alg, 'prepared').find((key) => isReady(key, times))
}

function isInUse(keys: Keys, alg: TokenAlgorithm, times: RotationTimes): boolean {
  return inState(keys, alg, 'active').length > 0 || oldestReady(keys, alg, times) !== undefined
}

function find(keys: Keys, kid: string, alg?: TokenAlgorithm): KeyFacts {
  const key = keys.find((each) => each.kid === kid && (alg === undefined || each.alg === alg))
  if (key === undefined) throw new ApiError('KEY_NOT_FOUND')
  return key
}

function readyOrThrow(keys: Keys, alg: TokenAlgorithm, times: RotationTimes): KeyFacts {
  const ready = oldestReady(keys, alg, times)
  if (ready !== undefined) return ready
  const prepared = inState(keys, alg, 'prepared')
  throw notReady(`no prepared ${alg} key has been published for long enough`, prepared, times)
}

/** Where no key is prepared, the schedule makes one, which then takes all of the time. */
function notReady(what: string, keys: Keys, { publishS }: RotationTimes): ApiError {
  const ages = keys.filter(({ state }) => state === 'prepared').map(({ ageS }) => ageS)
  const retryAfter = Math.ceil(publishS - Math.max(0, ...ages))
  return new ApiError('KEY_NOT_READY', `${what}; the next will be ready in ${retryAfter} s`, { retryAfter })
}
