import { TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { describe, expect, it } from 'vitest'
import { ACTIVE, fresh, key, OTHERS, READY, READY_TOO, TIMES, UNREADY, YOUNG } from '../../../test/support/key-facts.ts'
import { type KeyFacts, planSchedule, type Step } from './plan-rotation.ts'

const OVERDUE = key('active', 'active', 1_000)

describe('the schedule', () => {
  it('begins with an active key and two prepared ones of each algorithm', () => {
    expect(planSchedule([], TIMES)).toEqual(
      TOKEN_ALGORITHMS.flatMap((alg) => [{ to: 'new', alg, state: 'active' }, fresh(alg), fresh(alg)]),
    )
  })

  it.each<[string, readonly KeyFacts[], readonly Step[]]>([
    ['nothing, where all is well', [ACTIVE, READY, UNREADY], []],
    ['nothing about more keys in reserve than it needs', [ACTIVE, READY, READY_TOO, UNREADY, YOUNG], []],
    ['prepared keys alone for an algorithm that joins', [], [fresh(), fresh()]],
    ['nothing while the first of an algorithm is not ready', [UNREADY, YOUNG], []],
    ['the first that is ready', [READY, UNREADY], [{ to: 'active', kid: 'ready' }, fresh()]],
    ['nothing about a key that has not signed for long', [key('active', 'active', 999.9), READY, UNREADY], []],
    [
      'the oldest that is ready, after the old one has ceased',
      [OVERDUE, UNREADY, READY, READY_TOO],
      [
        { to: 'retiring', kid: 'active' },
        { to: 'active', kid: 'ready' },
      ],
    ],
    [
      'a new key for the one it takes',
      [OVERDUE, READY, UNREADY],
      [{ to: 'retiring', kid: 'active' }, { to: 'active', kid: 'ready' }, fresh()],
    ],
    ['no rotation while none is ready', [OVERDUE, UNREADY, YOUNG], []],
    ['a reserve before it rotates', [OVERDUE], [fresh(), fresh()]],
    ['what the reserve lacks', [ACTIVE, UNREADY], [fresh()]],
    ['nothing about a key that is compromised', [key('gone', 'compromised', 1e6), ACTIVE, READY, UNREADY], []],
    [
      'a new active key, and never one that is compromised or has signed',
      [key('a', 'compromised', 1e6), key('b', 'retired', 1e6), key('c', 'retiring', 1), READY, UNREADY],
      [{ to: 'active', kid: 'ready' }, fresh()],
    ],
    ['prepared keys alone after all have gone', [key('gone', 'compromised', 1e6)], [fresh(), fresh()]],
    [
      'the end of those whose tokens have expired',
      [key('a', 'retiring', 300), key('b', 'retiring', 299.9), key('c', 'retiring', 1e9), ACTIVE, READY, UNREADY],
      [
        { to: 'retired', kid: 'a' },
        { to: 'retired', kid: 'c' },
      ],
    ],
    [
      'all at once after a month',
      [key('old', 'retiring', 1e6), key('active', 'active', 1e6), key('p', 'prepared', 1e6), key('q', 'prepared', 1e6)],
      [{ to: 'retiring', kid: 'active' }, { to: 'active', kid: 'p' }, { to: 'retired', kid: 'old' }, fresh()],
    ],
  ])('wants %s', (_, keys, steps) => {
    expect(planSchedule([...OTHERS, ...keys], TIMES)).toEqual(steps)
  })

  it('lets no algorithm take the key of another', () => {
    const keys = OTHERS.filter(({ kid }) => kid !== 'EdDSA ready')
    expect(planSchedule([...keys, READY, UNREADY, ACTIVE], TIMES)).toEqual([fresh('EdDSA')])
  })
})
