import type { Constraint } from '@auth4agent/core/delegation/constraint'
import { all, any, contains, exact, notOneOf, oneOf, prefix, range, subset, wildcard } from './constraints.ts'

/** A constraint, values that it admits, and values that it refuses. */
type Row = readonly [constraint: Constraint, admitted: readonly unknown[], refused: readonly unknown[]]

export const NFC = '\u00e9'
export const NFD = 'e\u0301'
const LARGEST = Number.MAX_SAFE_INTEGER

function nested(levels: number): unknown {
  return levels === 0 ? 'a' : [nested(levels - 1)]
}
const circle: unknown[] = []
circle.push(circle)
const sparse: unknown[] = ['a']
sparse[2] = 'a'

/** Values that no JSON text says. No constraint admits them. */
export const NOT_JSON: readonly unknown[] = [
  undefined,
  Number.NaN,
  Infinity,
  -Infinity,
  1n,
  () => 'a',
  Symbol('a'),
  '\ud800',
  'a\udc00b',
  new Date(0),
  new String('a'),
  new Map(),
  Object.create({ a: 1 }),
  Object.defineProperty({ b: 1 }, 'a', { value: 1 }),
  { [Symbol('a')]: 1 },
  ['a', undefined],
  ['a', '\ud800'],
  sparse,
  { a: Number.NaN },
  { a: undefined },
  { '\ud800': 1 },
  { a: [new Date(0)] },
  nested(65),
  circle,
]

export const VALUE_ROWS: readonly Row[] = [
  [wildcard, [null, 1, 'a', [], {}, { a: [{ b: null }] }, 1e300, LARGEST + 1, [2 ** 60], '/../', nested(64)], NOT_JSON],
  [wildcard, [Object.assign(Object.create(null), { a: 1 })], []],
  [exact(1), [1], [2, '1', true, [1], null, ...NOT_JSON]],
  [exact(0), [0, -0], ['', false, null, 5e-324]],
  [exact(null), [null], [undefined, 'null', 0, false]],
  [exact(NFC), [NFC], [NFD, '\u00c9', `${NFC} `]],
  [exact('a'), ['a'], [['a'], { a: 'a' }, 'A']],
  // No grant can have these two, because they are malformed.
  [exact(2 ** 53), [], [2 ** 53]],
  [oneOf(2 ** 53, 1), [1], [2 ** 53]],
  [oneOf('a', 1, false), ['a', 1, false], ['b', '1', 0, 'false', null, ['a'], []]],
  [notOneOf('prod', 1), ['dev', 2, '1', null, true], ['prod', 1, ['prod'], [], {}, 2 ** 53, ...NOT_JSON]],
  [notOneOf(), ['a', LARGEST, -LARGEST], [LARGEST + 1, -LARGEST - 1, []]],
  [range({ min: 1, max: 5 }), [1, 1.5, 5], [0.999, 5.001, '3', null, [3], true, ...NOT_JSON]],
  [range({ min: 1, min_inclusive: false }), [1.0000000000000002, LARGEST], [1, LARGEST + 1]],
  [range({ max: 1, max_inclusive: false }), [0.9999999999999999, -LARGEST], [1, -LARGEST - 1]],
  [range({ min: 1, min_inclusive: true, max: 5, max_inclusive: true }), [1, 5], [0, 6]],
  [range({ max: 0.3 }), [0.3, -0], [0.1 + 0.2]],
  [range({}), [0, LARGEST, -LARGEST], [1e300, LARGEST + 1, '1', Infinity]],
  [
    prefix('/data/'),
    [
      '/data/',
      '/data/x',
      '/data/x/',
      '/data/x/y',
      '/data/.x',
      '/data/..x',
      '/data/x..',
      '/data/\u00e9 z',
      '/data/x:y/z',
      '/data/\u2026x',
    ],
    [
      '/data',
      '/dat',
      '/Data/x',
      'x/data/',
      '/data/../x',
      '/data/..',
      '/data/.',
      '/data/./x',
      '/data/x/..',
      '/data/x/../../y',
      '/data//x',
      '/data/x//',
      '/data/%2e%2e/x',
      '/data/\\..\\x',
      '/data/..;/x',
      '/data/x?y',
      '/data/..#x',
      '/data/.\t./x',
      '/data/x\u0000',
      '/data/\u0085',
      '/data/.. /x',
      '/data/ /x',
      '/data/... ',
      '/data/..:x/y',
      '/data/\uff0e\uff0e\uff0fx',
      '/data/x\uff3cy',
      ['/data/x'],
      1,
      null,
    ],
  ],
  [prefix('/data'), ['/data', '/database/x', '/data/x'], ['/data/../x', '/data//x', '//data']],
  [prefix('INV-'), ['INV-', 'INV-..', 'INV-50%', 'INV-1?', 'INV-2026/5'], ['INV', 'inv-1', 'INV-1/../x', 'INV-a\\b']],
  [prefix('.'), ['.env', '.. x'], ['.', '..', '. .', '.\\..\\x']],
  [prefix('e'), [NFD], [NFC]],
  [prefix('\u{1f511}'), ['\u{1f511}x'], ['\u{1f512}', '\ud83d']],
  [
    contains('a', 1),
    [
      ['a', 1],
      [1, 'b', 'a'],
      ['a', 'a', 1],
    ],
    [['a'], ['a', '1'], [], 'a', { a: 1 }, null, ['a', 1, undefined]],
  ],
  [contains('a'), [['a', null]], [['a', ['b']], ['a', {}], ['a', 2 ** 53], [['a']]]],
  [contains(), [[], ['a']], ['a', {}, null]],
  [subset('a', 1), [[], ['a'], [1, 'a', 'a']], [['b'], ['a', 'b'], ['1'], 'a', {}, [['a']], null]],
  [subset(), [[]], [['a'], [null], {}]],
  [all(range({ min: 1 }), notOneOf(3)), [1, 2], [3, 0, 'a']],
  [all(wildcard, exact(1)), [1], [2, 2 ** 53]],
  [any(exact('a'), range({ max: 1 })), ['a', 1, -5], ['b', 2, null]],
  [any(all(wildcard)), [1, {}, 2 ** 53], NOT_JSON],
]
