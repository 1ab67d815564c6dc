import { describe, expect, it } from 'vitest'
import { ACTIVE, fresh, key, OTHERS, READY, READY_TOO, TIMES, UNREADY, YOUNG } from '../../../test/support/key-facts.ts'
import { INTROSPECTION, KEY_KINDS, tokenKind } from './key-kinds.ts'
import { type KeyFacts, planSchedule, type Step } from './plan-rotation.ts'

const OVERDUE = key('active', 'active', 1_000)

describe('planSchedule', () => {
  it('creates an active key and two prepared keys of each kind in an empty deployment', () => {
    expect(planSchedule([], TIMES)).toEqual(
      KEY_KINDS.flatMap((kind) => [{ to: 'new', ...kind, state: 'active' }, fresh(kind), fresh(kind)]),
    )
  })

  it.each<[string, readonly KeyFacts[], readonly Step[]]>([
    ['nothing for an active key and a full reserve', [ACTIVE, READY, UNREADY], []],
    ['nothing for more prepared keys than needed', [ACTIVE, READY, READY_TOO, UNREADY, YOUNG], []],
    ['two prepared keys for an algorithm that is added later', [], [fresh(), fresh()]],
    ['nothing while the first key of an algorithm is not ready', [UNREADY, YOUNG], []],
    ['to activate the first ready key', [READY, UNREADY], [{ to: 'active', kid: 'ready' }, fresh()]],
    ['nothing for an active key below its age', [key('active', 'active', 999.9), READY, UNREADY], []],
    [
      'to activate the oldest ready key, after the old key is retiring',
      [OVERDUE, UNREADY, READY, READY_TOO],
      [
        { to: 'retiring', kid: 'active' },
        { to: 'active', kid: 'ready' },
      ],
    ],
    [
      'a new prepared key for the one that becomes active',
      [OVERDUE, READY, UNREADY],
      [{ to: 'retiring', kid: 'active' }, { to: 'active', kid: 'ready' }, fresh()],
    ],
    ['no rotation without a ready key', [OVERDUE, UNREADY, YOUNG], []],
    ['two prepared keys for an overdue key without a reserve', [OVERDUE], [fresh(), fresh()]],
    ['the missing key of the reserve', [ACTIVE, UNREADY], [fresh()]],
    ['nothing for a compromised key', [key('gone', 'compromised', 1e6), ACTIVE, READY, UNREADY], []],
    [
      'to activate a ready key, and never a compromised, retired or retiring one',
      [key('a', 'compromised', 1e6), key('b', 'retired', 1e6), key('c', 'retiring', 1), READY, UNREADY],
      [{ to: 'active', kid: 'ready' }, fresh()],
    ],
    ['two prepared keys when all keys are compromised', [key('gone', 'compromised', 1e6)], [fresh(), fresh()]],
    [
      'to retire the keys whose tokens have expired',
      [key('a', 'retiring', 300), key('b', 'retiring', 299.9), key('c', 'retiring', 1e9), ACTIVE, READY, UNREADY],
      [
        { to: 'retired', kid: 'a' },
        { to: 'retired', kid: 'c' },
      ],
    ],
    [
      'all due steps at once after a month',
      [key('old', 'retiring', 1e6), key('active', 'active', 1e6), key('p', 'prepared', 1e6), key('q', 'prepared', 1e6)],
      [{ to: 'retiring', kid: 'active' }, { to: 'active', kid: 'p' }, { to: 'retired', kid: 'old' }, fresh()],
    ],
  ])('plans %s', (_, keys, steps) => {
    expect(planSchedule([...OTHERS, ...keys], TIMES)).toEqual(steps)
  })

  it('does not use a key of one algorithm for another', () => {
    const keys = OTHERS.filter(({ kid }) => kid !== 'EdDSA ready')
    expect(planSchedule([...keys, READY, UNREADY, ACTIVE], TIMES)).toEqual([fresh(tokenKind('EdDSA'))])
  })

  it('does not use a key of one purpose for another, although both have the same algorithm', () => {
    const tokens = [...OTHERS, ACTIVE, READY, UNREADY].filter(({ purpose }) => purpose !== 'introspection')
    expect(planSchedule(tokens, TIMES)).toEqual([fresh(INTROSPECTION), fresh(INTROSPECTION)])
    const own = [key('one', 'prepared', 100, INTROSPECTION), key('two', 'prepared', 99, INTROSPECTION)]
    expect(planSchedule([...tokens, ...own], TIMES)).toEqual([{ to: 'active', kid: 'one' }, fresh(INTROSPECTION)])
  })
})
