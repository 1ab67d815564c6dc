import type { Scalar } from '@auth4agent/core/delegation/constraint'

const NFC = '\u00e9'
const NFD = 'e\u0301'
const LARGEST = Number.MAX_SAFE_INTEGER

/** Numbers of random constraints and arguments: floats, both zeros and the limits among them. */
export const NUMBERS: readonly number[] = [
  -LARGEST,
  -1.5,
  -1,
  -0,
  0,
  5e-324,
  1e-7,
  0.1,
  0.3,
  0.1 + 0.2,
  1,
  1.5,
  2,
  10,
  LARGEST - 1,
  LARGEST,
]

/** Texts that look alike, begin alike, or are paths. */
const TEXTS: readonly string[] = [
  '',
  'a',
  'ab',
  'abc',
  'b',
  NFC,
  NFD,
  '\u{1f511}',
  '\u{1f511}x',
  '1',
  'true',
  'null',
  '/d/x',
  '/d/x/y',
  '/e/x',
  'd/x',
]

export const SCALARS: readonly Scalar[] = [...NUMBERS, ...TEXTS, true, false, null]

export const PREFIXES: readonly string[] = ['a', 'ab', NFC, 'e', '\u{1f511}', '/', '/d/', '/d/x', '/d/.', 'd/', 'd']

/** What follows a prefix in an argument. Most of them make a path that must be refused. */
export const ENDINGS: readonly string[] = [
  '',
  'x',
  'bc',
  'x/y',
  'x/',
  '\u0301',
  '../x',
  './x',
  '..',
  '.',
  '/x',
  'x//y',
  'x/../y',
  'x/. /y',
  'x/... ',
  '%2e%2e/x',
  'x\\y',
  '..;/x',
  '..:x/y',
  '\uff0e\uff0e\uff0fx',
  'x\uff3cy',
  '..?x/',
  'x#/y',
  '.\t./x',
  'x\u0000/',
]

function nested(levels: number): unknown {
  return levels === 0 ? 'a' : [nested(levels - 1)]
}

const sparse: unknown[] = ['a']
sparse[2] = 'a'

/** Arguments that no constraint but a wildcard admits, or that not even a wildcard admits. */
export const STRANGE: readonly unknown[] = [
  LARGEST + 1,
  -LARGEST - 1,
  1e300,
  Number.NaN,
  Infinity,
  -Infinity,
  undefined,
  1n,
  '\ud800',
  'a\udc00',
  '/d/\ud83d',
  [],
  {},
  ['a'],
  ['a', 'a'],
  [['a']],
  ['a', { a: 'a' }],
  ['a', LARGEST + 1],
  ['a', undefined],
  ['a', '\ud83d'],
  sparse,
  { a: 1 },
  { '\ud800': 1 },
  { a: Number.NaN },
  { a: undefined },
  new Date(0),
  new Map([['a', 1]]),
  new String('a'),
  new Number(1),
  Object.create({ a: 1 }),
  Object.assign(Object.create(null), { a: 1 }),
  Object.defineProperty({ b: 1 }, 'a', { value: 1 }),
  { [Symbol('a')]: 1 },
  { toJSON: () => 'a' },
  Symbol('a'),
  () => 'a',
  nested(64),
  nested(65),
]
