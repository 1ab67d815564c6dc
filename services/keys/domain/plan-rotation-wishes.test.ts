import { describe, expect, it } from 'vitest'
import { ACTIVE, fresh, key, OTHERS, READY, READY_TOO, TIMES, UNREADY, YOUNG } from '../../../test/support/key-facts.ts'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { INTROSPECTION, nameOf } from './key-kinds.ts'
import {
  type KeyFacts,
  planCompromise,
  planRotateNow,
  planSchedule,
  type RotateWish,
  type Step,
} from './plan-rotation.ts'

/** Returns the error of a plan. */
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
  message: `${what} has been published for long enough; the next key is ready in ${retryAfter} s`,
  retryAfter,
})
const notPrepared = (state: string) => ({
  reason: 'KEY_NOT_READY',
  message: `The key is ${state}, but only a prepared key can become active`,
  retryAfter: undefined,
})
const marked = (kid: string): Step => ({ to: 'compromised', kid })

describe('planRotateNow', () => {
  const standing = [...OTHERS, ACTIVE, READY, READY_TOO]
  const rotated: readonly Step[] = [
    { to: 'retiring', kid: 'active' },
    { to: 'active', kid: 'ready' },
  ]
  const others = OTHERS.filter(({ state }) => state === 'active').flatMap((each): readonly Step[] => [
    { to: 'retiring', kid: `${nameOf(each)} active` },
    { to: 'active', kid: `${nameOf(each)} ready` },
  ])
  const tokensOnly = OTHERS.filter(({ purpose }) => purpose === 'access_token')

  it.each<[string, readonly KeyFacts[], RotateWish, readonly Step[]]>([
    ['one algorithm', standing, { alg: 'ES256' }, rotated],
    ['a key by its kid', standing, { kid: 'ready' }, rotated],
    [
      'a ready key that is not the oldest',
      standing,
      { kid: 'ready too', alg: 'ES256' },
      [
        { to: 'retiring', kid: 'active' },
        { to: 'active', kid: 'ready too' },
      ],
    ],
    ['an algorithm without an active key', [READY, UNREADY], { alg: 'ES256' }, [{ to: 'active', kid: 'ready' }]],
    ['all algorithms except one that has no ready key yet', [...OTHERS, UNREADY, YOUNG], {}, others],
    ['all algorithms except one without keys', OTHERS, {}, others],
    [
      'only the token key of an algorithm that introspection keys have too',
      standing,
      { alg: 'EdDSA' },
      others.slice(0, 2),
    ],
    [
      'an introspection key by its kid',
      standing,
      { kid: 'introspection ready' },
      [
        { to: 'retiring', kid: 'introspection active' },
        { to: 'active', kid: 'introspection ready' },
      ],
    ],
    [
      'all token keys in an upgraded deployment, whose first introspection keys are not ready',
      [...tokensOnly, key('first', 'prepared', 5, INTROSPECTION), key('second', 'prepared', 5, INTROSPECTION)],
      {},
      others.filter((step) => step.to !== 'new' && !/^(introspection|grant|federation|security_event)/.test(step.kid)),
    ],
    [
      'an algorithm that has its first ready key but no active key',
      [READY, YOUNG],
      {},
      [{ to: 'active', kid: 'ready' }],
    ],
  ])('rotates %s', (_, keys, wish, steps) => {
    expect(planRotateNow(keys, TIMES, wish)).toEqual(steps)
  })

  it('rotates every purpose and algorithm', () => {
    const steps = planRotateNow(standing, TIMES, {})
    expect(new Set(steps)).toEqual(new Set([...rotated, ...others]))
    expect(steps).toHaveLength(rotated.length + others.length)
  })

  it.each<[string, readonly KeyFacts[], RotateWish, unknown]>([
    ['an unknown key', standing, { kid: 'unknown' }, UNKNOWN],
    ['an empty kid', standing, { kid: '' }, UNKNOWN],
    ['a key of another algorithm', standing, { kid: 'ready', alg: 'EdDSA' }, UNKNOWN],
    ['the active key', standing, { kid: 'active' }, notPrepared('active')],
    ['a retiring key', [...standing, key('x', 'retiring', 1e6)], { kid: 'x' }, notPrepared('retiring')],
    ['a retired key', [...standing, key('x', 'retired', 1e6)], { kid: 'x' }, notPrepared('retired')],
    ['a compromised key', [...standing, key('x', 'compromised', 1e6)], { kid: 'x' }, notPrepared('compromised')],
    [
      'a key that is not ready, when another key is',
      [...standing, YOUNG],
      { kid: 'young' },
      {
        reason: 'KEY_NOT_READY',
        message: 'The key has not been published for long enough; the next key is ready in 98 s',
        retryAfter: 98,
      },
    ],
    [
      'an algorithm without a ready key, with at least 1 s until the oldest is ready',
      [ACTIVE, YOUNG, UNREADY],
      { alg: 'ES256' },
      inSeconds('No prepared ES256 key', 1),
    ],
    [
      'an algorithm without prepared keys',
      [...OTHERS, ACTIVE, key('x', 'compromised', 99)],
      { alg: 'ES256' },
      inSeconds('No prepared ES256 key', 100),
    ],
    [
      'an algorithm that has no ready key yet, when the wish names it',
      [...OTHERS, YOUNG],
      { alg: 'ES256' },
      inSeconds('No prepared ES256 key', 98),
    ],
    [
      'all algorithms, when one of them has an active but no ready key',
      [...OTHERS, ACTIVE, YOUNG],
      {},
      inSeconds('No prepared ES256 key', 98),
    ],
    [
      'all algorithms, when none has an active or ready key',
      [key('x', 'compromised', 99), YOUNG],
      {},
      inSeconds('No key', 98),
    ],
    [
      'all kinds, when introspection has an active but no ready key',
      [...tokensOnly, key('active', 'active', 1, INTROSPECTION), key('young', 'prepared', 2, INTROSPECTION)],
      {},
      inSeconds('No prepared introspection key', 98),
    ],
    ['all algorithms of an empty database', [], {}, inSeconds('No key', 100)],
  ])('refuses %s', (_, keys, wish, expected) => {
    expect(refusal(() => planRotateNow(keys, TIMES, wish))).toEqual(expected)
  })
})

describe('planCompromise', () => {
  const standing = [...OTHERS, ACTIVE, READY, UNREADY]

  it.each<[string, readonly KeyFacts[], string, boolean, readonly Step[]]>([
    ['replaces an active key', standing, 'active', false, [marked('active'), { to: 'active', kid: 'ready' }]],
    ['replaces an active key with force', standing, 'active', true, [marked('active'), { to: 'active', kid: 'ready' }]],
    [
      'replaces an active key by the oldest ready key',
      [ACTIVE, UNREADY, READY_TOO, READY],
      'active',
      false,
      [marked('active'), { to: 'active', kid: 'ready too' }],
    ],
    ['makes no unready key active', [ACTIVE, UNREADY, YOUNG], 'active', true, [marked('active')]],
    ['makes no key of another algorithm active', [...OTHERS, ACTIVE], 'active', true, [marked('active')]],
    [
      'replaces an active introspection key by a ready one of its purpose',
      standing,
      'introspection active',
      false,
      [marked('introspection active'), { to: 'active', kid: 'introspection ready' }],
    ],
    [
      'makes no token key active in place of an introspection key',
      standing.filter(({ kid }) => kid !== 'introspection ready'),
      'introspection active',
      true,
      [marked('introspection active')],
    ],
    ['marks a prepared key and keeps the active key', standing, 'ready', false, [marked('ready')]],
    ['marks a prepared key without a ready key', [ACTIVE, YOUNG], 'young', false, [marked('young')]],
    ['marks a retiring key', [...standing, key('x', 'retiring', 1)], 'x', false, [marked('x')]],
    ['marks a retired key', [...standing, key('x', 'retired', 1)], 'x', false, [marked('x')]],
    ['does nothing for a compromised key', [...OTHERS, key('x', 'compromised', 1)], 'x', false, []],
  ])('%s', (_, keys, kid, force, steps) => {
    expect(planCompromise(keys, TIMES, { kid, force })).toEqual(steps)
  })

  it.each<[string, readonly KeyFacts[], string, boolean, unknown]>([
    [
      'an active key without a ready key',
      [...OTHERS, ACTIVE, UNREADY, YOUNG],
      'active',
      false,
      inSeconds('No prepared ES256 key', 1),
    ],
    ['an unknown key, also with force', standing, 'unknown', true, UNKNOWN],
  ])('refuses %s', (_, keys, kid, force, expected) => {
    expect(refusal(() => planCompromise(keys, TIMES, { kid, force }))).toEqual(expected)
  })

  it('marks a key that no later plan makes active again', () => {
    const keys = [ACTIVE, key('gone', 'compromised', 1e6), UNREADY]
    expect(reasonOf(() => planRotateNow(keys, TIMES, { kid: 'gone' }))).toBe('KEY_NOT_READY')
    expect(reasonOf(() => planRotateNow(keys, TIMES, { alg: 'ES256' }))).toBe('KEY_NOT_READY')
    expect(planSchedule([...OTHERS, ...keys], TIMES)).toEqual([fresh()])
    expect(planCompromise(keys, TIMES, { kid: 'active', force: true })).toEqual([marked('active')])
  })
})
