import { describe, expect, it } from 'vitest'
import { ACTIVE, fresh, key, OTHERS, READY, READY_TOO, TIMES, UNREADY, YOUNG } from '../../../test/support/key-facts.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import {
  type KeyFacts,
  planCompromise,
  planRotateNow,
  planSchedule,
  type RotateWish,
  type Step,
} from './plan-rotation.ts'

/** What a plan refuses with, whole. */
function refusal(plan: () => unknown): Pick<ApiError, 'reason' | 'message' | 'retryAfter'> | undefined {
  try {
    plan()
    return undefined
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const { reason, message, retryAfter } = error
    return { reason, message, retryAfter }
  }
}

const UNKNOWN = { reason: 'KEY_NOT_FOUND', message: 'There is no such signing key', retryAfter: undefined }

const inSeconds = (what: string, retryAfter: number) => ({
  reason: 'KEY_NOT_READY',
  message: `${what} has been published for long enough; the next will be ready in ${retryAfter} s`,
  retryAfter,
})
const notPrepared = (state: string) => ({
  reason: 'KEY_NOT_READY',
  message: `the key is ${state}, not prepared`,
  retryAfter: undefined,
})
const marked = (kid: string): Step => ({ to: 'compromised', kid })

describe('rotate now', () => {
  const standing = [...OTHERS, ACTIVE, READY, READY_TOO]
  const rotated: readonly Step[] = [
    { to: 'retiring', kid: 'active' },
    { to: 'active', kid: 'ready' },
  ]
  const others = OTHERS.filter(({ state }) => state === 'active').flatMap(({ alg }): readonly Step[] => [
    { to: 'retiring', kid: `${alg} active` },
    { to: 'active', kid: `${alg} ready` },
  ])

  it.each<[string, readonly KeyFacts[], RotateWish, readonly Step[]]>([
    ['one algorithm', standing, { alg: 'ES256' }, rotated],
    ['a key by its name', standing, { kid: 'ready' }, rotated],
    [
      'a key that is not the oldest',
      standing,
      { kid: 'ready too', alg: 'ES256' },
      [
        { to: 'retiring', kid: 'active' },
        { to: 'active', kid: 'ready too' },
      ],
    ],
    ['to the first key of an algorithm', [READY, UNREADY], { alg: 'ES256' }, [{ to: 'active', kid: 'ready' }]],
    ['all but an algorithm that joins', [...OTHERS, UNREADY, YOUNG], {}, others],
    ['all but an algorithm without keys', OTHERS, {}, others],
    ['also an algorithm that could begin', [READY, YOUNG], {}, [{ to: 'active', kid: 'ready' }]],
  ])('goes for %s', (_, keys, wish, steps) => {
    expect(planRotateNow(keys, TIMES, wish)).toEqual(steps)
  })

  it('goes for every algorithm', () => {
    const steps = planRotateNow(standing, TIMES, {})
    expect(new Set(steps)).toEqual(new Set([...rotated, ...others]))
    expect(steps).toHaveLength(rotated.length + others.length)
  })

  it.each<[string, readonly KeyFacts[], RotateWish, unknown]>([
    ['an unknown key', standing, { kid: 'unknown' }, UNKNOWN],
    ['no key at all', standing, { kid: '' }, UNKNOWN],
    ['a key of another algorithm', standing, { kid: 'ready', alg: 'EdDSA' }, UNKNOWN],
    ['the active key', standing, { kid: 'active' }, notPrepared('active')],
    ['a retiring key', [...standing, key('x', 'retiring', 1e6)], { kid: 'x' }, notPrepared('retiring')],
    ['a retired key', [...standing, key('x', 'retired', 1e6)], { kid: 'x' }, notPrepared('retired')],
    ['a compromised key', [...standing, key('x', 'compromised', 1e6)], { kid: 'x' }, notPrepared('compromised')],
    [
      'a key that is not ready, though another is',
      [...standing, YOUNG],
      { kid: 'young' },
      {
        reason: 'KEY_NOT_READY',
        message: 'the key has not been published for long enough; the next will be ready in 98 s',
        retryAfter: 98,
      },
    ],
    [
      'an algorithm whose keys are not ready: the oldest is next, and never in no time',
      [ACTIVE, YOUNG, UNREADY],
      { alg: 'ES256' },
      inSeconds('no prepared ES256 key', 1),
    ],
    [
      'an algorithm without prepared keys',
      [...OTHERS, ACTIVE, key('x', 'compromised', 99)],
      { alg: 'ES256' },
      inSeconds('no prepared ES256 key', 100),
    ],
    [
      'an algorithm that joins, if asked for',
      [...OTHERS, YOUNG],
      { alg: 'ES256' },
      inSeconds('no prepared ES256 key', 98),
    ],
    [
      'all algorithms, where one that signs cannot',
      [...OTHERS, ACTIVE, YOUNG],
      {},
      inSeconds('no prepared ES256 key', 98),
    ],
    [
      'all algorithms, where there is nothing to rotate',
      [key('x', 'compromised', 99), YOUNG],
      {},
      inSeconds('no key', 98),
    ],
    ['all algorithms of an empty database', [], {}, inSeconds('no key', 100)],
  ])('refuses %s', (_, keys, wish, expected) => {
    expect(refusal(() => planRotateNow(keys, TIMES, wish))).toEqual(expected)
  })
})

describe('a compromised key', () => {
  const standing = [...OTHERS, ACTIVE, READY, UNREADY]

  it.each<[string, readonly KeyFacts[], string, boolean, readonly Step[]]>([
    ['is replaced', standing, 'active', false, [marked('active'), { to: 'active', kid: 'ready' }]],
    ['is replaced if forced, too', standing, 'active', true, [marked('active'), { to: 'active', kid: 'ready' }]],
    [
      'is replaced by the oldest that is ready',
      [ACTIVE, UNREADY, READY_TOO, READY],
      'active',
      false,
      [marked('active'), { to: 'active', kid: 'ready too' }],
    ],
    ['is not replaced by one that is not ready', [ACTIVE, UNREADY, YOUNG], 'active', true, [marked('active')]],
    ['is not replaced by one of another algorithm', [...OTHERS, ACTIVE], 'active', true, [marked('active')]],
    ['leaves the active one alone if prepared', standing, 'ready', false, [marked('ready')]],
    ['needs no ready one if prepared', [ACTIVE, YOUNG], 'young', false, [marked('young')]],
    ['goes if retiring', [...standing, key('x', 'retiring', 1)], 'x', false, [marked('x')]],
    ['goes if retired', [...standing, key('x', 'retired', 1)], 'x', false, [marked('x')]],
    ['does not go again', [...OTHERS, key('x', 'compromised', 1)], 'x', false, []],
  ])('%s', (_, keys, kid, force, steps) => {
    expect(planCompromise(keys, TIMES, { kid, force })).toEqual(steps)
  })

  it.each<[string, readonly KeyFacts[], string, boolean, unknown]>([
    ['none is ready', [...OTHERS, ACTIVE, UNREADY, YOUNG], 'active', false, inSeconds('no prepared ES256 key', 1)],
    ['it is unknown, even if forced', standing, 'unknown', true, UNKNOWN],
  ])('is refused where %s', (_, keys, kid, force, expected) => {
    expect(refusal(() => planCompromise(keys, TIMES, { kid, force }))).toEqual(expected)
  })

  it('never signs again, whatever is asked', () => {
    const keys = [ACTIVE, key('gone', 'compromised', 1e6), UNREADY]
    expect(reasonOf(() => planRotateNow(keys, TIMES, { kid: 'gone' }))).toBe('KEY_NOT_READY')
    expect(reasonOf(() => planRotateNow(keys, TIMES, { alg: 'ES256' }))).toBe('KEY_NOT_READY')
    expect(planSchedule([...OTHERS, ...keys], TIMES)).toEqual([fresh()])
    expect(planCompromise(keys, TIMES, { kid: 'active', force: true })).toEqual([marked('active')])
  })
})
