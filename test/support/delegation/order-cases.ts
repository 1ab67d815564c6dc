import type { Constraint } from '@auth4agent/core/delegation/constraint'
import {
  all,
  any,
  contains,
  exact,
  notOneOf,
  oneOf,
  optional,
  PAY,
  prefix,
  range,
  subset,
  wildcard,
} from './constraints.ts'

/** Parent, children that are narrower, and children that are not or are not known to be. */
type Row = readonly [parent: Constraint, narrower: readonly Constraint[], others: readonly Constraint[]]

const NFC = '\u00e9'
const NFD = 'e\u0301'

export const CONSTRAINT_ROWS: readonly Row[] = [
  [wildcard, [wildcard, exact(null), notOneOf(), any(wildcard), range({})], []],
  [
    exact(1),
    [exact(1)],
    [exact(2), exact('1'), exact(true), oneOf(1), range({ min: 1, max: 1 }), wildcard, any(exact(1))],
  ],
  [exact(0), [exact(-0)], [exact(false), exact(''), exact(null)]],
  [exact(null), [exact(null)], [exact('null'), exact(0), exact(false)]],
  [exact(NFC), [exact(NFC)], [exact(NFD), exact('\u00c9')]],
  [
    oneOf('a', 'b', 1),
    [oneOf('a'), oneOf('b', 'a'), oneOf('a', 'b', 1), exact('a'), exact(1)],
    [oneOf('a', 'c'), exact('c'), exact('1'), oneOf('1'), notOneOf('c'), prefix('a'), any(exact('a')), wildcard],
  ],
  [
    notOneOf('prod'),
    [notOneOf('prod'), notOneOf('dev', 'prod')],
    [notOneOf('dev'), notOneOf(), exact('dev'), oneOf('dev'), subset(), wildcard],
  ],
  [notOneOf(), [notOneOf(), notOneOf('a')], [exact('a'), wildcard]],
  [
    range({ max: 500 }),
    [
      range({ max: 500 }),
      range({ min: 1, max: 100 }),
      range({ max: 500, max_inclusive: false }),
      exact(500),
      exact(-1.5),
    ],
    [range({ max: 501 }), range({ min: 1 }), range({}), exact(500.5), exact('1'), exact(null), oneOf(1), wildcard],
  ],
  [
    range({ max: 500, max_inclusive: false }),
    [range({ max: 500, max_inclusive: false }), range({ max: 499 }), exact(499.5)],
    [range({ max: 500 }), range({ max: 500, max_inclusive: true }), exact(500)],
  ],
  [
    range({ min: 1 }),
    [
      range({ min: 1 }),
      range({ min: 1, max: 2 }),
      range({ min: 1, min_inclusive: false }),
      range({ min: 2 }),
      exact(1),
    ],
    [range({ min: 0.9 }), range({ max: 2 }), range({}), exact(0.9), all(range({ min: 1 }))],
  ],
  [
    range({ min: 1, min_inclusive: false }),
    [range({ min: 1, min_inclusive: false }), range({ min: 1.5 }), exact(1.5)],
    [range({ min: 1 }), range({ min: 1, min_inclusive: true }), exact(1)],
  ],
  [range({ min: -2, max: -1 }), [range({ min: -1.5, max: -1 }), exact(-2)], [range({ min: -3, max: -1 }), exact(1.5)]],
  [range({ max: 0.3 }), [exact(0.3)], [exact(0.1 + 0.2), range({ max: 0.1 + 0.2 })]],
  [range({}), [range({}), range({ min: 1 }), exact(1)], [exact('1'), contains(), wildcard]],
  [
    prefix('/data/'),
    [
      prefix('/data/'),
      prefix('/data/x'),
      prefix('/data/x/'),
      exact('/data/x'),
      exact('/data/'),
      oneOf('/data/x', '/data/y'),
    ],
    [
      prefix('/data'),
      prefix('/'),
      prefix('/Data/'),
      prefix('/x/data/'),
      exact('/data'),
      exact('/data/../x'),
      exact('/data/%2e%2e/x'),
      exact(1),
      oneOf('/data/x', '/x'),
      oneOf('/data/x', '/data//y'),
      any(prefix('/data/x')),
      notOneOf('/data/x'),
    ],
  ],
  [prefix(NFC), [prefix(`${NFC}x`)], [prefix(NFD), prefix(`${NFD}x`), exact(NFD)]],
  [prefix('e'), [prefix(NFD), exact(NFD)], [prefix(NFC), exact(NFC)]],
  [
    contains('a', 'b'),
    [contains('a', 'b'), contains('b', 'c', 'a')],
    [contains('a'), contains(), subset('a', 'b'), exact('a'), wildcard],
  ],
  [
    subset('a', 'b'),
    [subset('a', 'b'), subset('b'), subset()],
    [subset('a', 'c'), contains('a'), exact('a'), wildcard],
  ],
  [subset(), [subset()], [subset(null)]],
  [
    all(range({ min: 1 }), range({ max: 5 })),
    [
      all(range({ max: 5 }), range({ min: 1 })),
      all(range({ min: 2, max: 3 })),
      all(exact(3)),
      all(range({ min: 1 }), range({ max: 5 }), notOneOf(3)),
    ],
    [
      all(range({ min: 1 })),
      all(range({ max: 5 })),
      all(range({ min: 1 }), range({ max: 6 })),
      exact(3),
      any(exact(3)),
    ],
  ],
  [all(wildcard, wildcard), [all(exact(5))], [exact(5), wildcard]],
  [
    any(exact('a'), oneOf('b', 'c')),
    [any(exact('a')), any(exact('b'), exact('a')), any(oneOf('b', 'c')), any(exact('a'), exact('a'), exact('c'))],
    [
      any(exact('d')),
      any(exact('a'), exact('d')),
      any(oneOf('a', 'b')),
      exact('a'),
      oneOf('a'),
      all(exact('a')),
      wildcard,
    ],
  ],
  [any(all(prefix('a'))), [any(all(prefix('ab'), notOneOf('abc')))], [any(all(notOneOf('abc'))), any(prefix('ab'))]],
]

/** A comparison of two grants. `reason` is undefined if the child is accepted. */
interface GrantCase {
  readonly name: string
  readonly parent: object
  readonly child: object
  readonly reason?: string
}

const amount = range({ max: 10 })
const ORDERS = 'https://api.acme.test#orders:read'
const pay = (parent: object, child: object) => ({ parent: { [PAY]: parent }, child: { [PAY]: child } })

export const GRANT_CASES: readonly GrantCase[] = [
  { name: 'the same capability', ...pay({ amount }, { amount }) },
  { name: 'fewer capabilities', parent: { [PAY]: {}, [ORDERS]: {} }, child: { [ORDERS]: {} } },
  { name: 'an argument under an open map', ...pay({}, { amount }) },
  { name: 'an optional argument under an open map', ...pay({}, { amount: optional(amount), '*': wildcard }) },
  { name: 'an open map that is written out', ...pay({}, { '*': wildcard }) },
  { name: 'a named argument that stays open', ...pay({ amount, '*': wildcard }, { amount, '*': wildcard }) },
  { name: 'a map that is closed', ...pay({ amount, '*': wildcard }, { amount }) },
  { name: 'an optional argument made required', ...pay({ amount: optional(amount) }, { amount }) },
  { name: 'an optional argument left out', ...pay({ amount: optional(amount), to: wildcard }, { to: wildcard }) },
  {
    name: 'an optional argument that stays optional',
    ...pay({ amount: optional(amount) }, { amount: optional(amount) }),
  },
  {
    name: 'the second of two capabilities widened',
    parent: { [ORDERS]: {}, [PAY]: { amount } },
    child: { [ORDERS]: {}, [PAY]: { amount: range({ max: 11 }) } },
    reason: 'CONSTRAINT_WIDENED',
  },
  { name: 'a scope added', parent: { [PAY]: {} }, child: { [PAY]: {}, [ORDERS]: {} }, reason: 'CAPABILITY_ADDED' },
  {
    name: 'the same scope for another audience',
    parent: { [PAY]: {} },
    child: { 'https://shop.acme.test#pay': {} },
    reason: 'CAPABILITY_ADDED',
  },
  { name: 'an argument dropped', ...pay({ amount, to: wildcard }, { amount }), reason: 'CONSTRAINT_DROPPED' },
  {
    name: 'an argument dropped from an open map',
    ...pay({ amount, '*': wildcard }, {}),
    reason: 'CONSTRAINT_DROPPED',
  },
  {
    name: 'an optional argument dropped from a map that stays open',
    ...pay({ amount: optional(amount), '*': wildcard }, { '*': wildcard }),
    reason: 'CONSTRAINT_DROPPED',
  },
  {
    name: 'an argument of an open map dropped, and the map closed',
    ...pay({ amount, '*': wildcard }, { to: wildcard }),
    reason: 'CONSTRAINT_DROPPED',
  },
  {
    name: 'a required argument made optional',
    ...pay({ amount }, { amount: optional(amount) }),
    reason: 'CONSTRAINT_DROPPED',
  },
  { name: 'a new argument under a closed map', ...pay({ amount }, { amount, to: wildcard }), reason: 'ARGUMENT_ADDED' },
  { name: '* under a closed map', ...pay({ amount }, { amount, '*': wildcard }), reason: 'ARGUMENT_ADDED' },
  { name: '{} under a closed map', ...pay({ path: oneOf('a') }, {}), reason: 'ARGUMENT_ADDED' },
  { name: '{} under a map of optional arguments', ...pay({ amount: optional(amount) }, {}), reason: 'ARGUMENT_ADDED' },
  {
    name: 'an argument in another normal form',
    ...pay({ [NFC]: amount }, { [NFD]: amount }),
    reason: 'ARGUMENT_ADDED',
  },
  { name: 'a bound raised', ...pay({ amount }, { amount: range({ max: 11 }) }), reason: 'CONSTRAINT_WIDENED' },
  {
    name: 'the bound of an optional argument raised',
    ...pay({ amount: optional(amount) }, { amount: optional(range({ max: 11 })) }),
    reason: 'CONSTRAINT_WIDENED',
  },
  {
    name: 'a named argument widened under an open map',
    ...pay({ amount, '*': wildcard }, { amount: wildcard, '*': wildcard }),
    reason: 'CONSTRAINT_WIDENED',
  },
]
