import { describe, expect, it } from 'vitest'
import { resolve } from '../../../test/support/federation/resolve-policies.ts'
import type { FederationRule } from './refusal.ts'

type Json = Readonly<Record<string, unknown>>

/** A case for one parameter `p`: policies from the anchor down, its value (undefined if absent), and the outcome. */
type Case = readonly [
  title: string,
  policies: readonly Json[],
  before: unknown,
  after: { readonly to: unknown } | FederationRule,
]

const ABSENT = undefined
const to = (value: unknown) => ({ to: value })

const ONE_POLICY: readonly Case[] = [
  ['value sets an absent parameter', [{ value: 'a' }], ABSENT, to('a')],
  ['value replaces a parameter', [{ value: 'a' }], 'b', to('a')],
  ['value replaces a list', [{ value: ['a'] }], ['b', 'c'], to(['a'])],
  ['value false replaces true', [{ value: false }], true, to(false)],
  ['value 0 replaces a number', [{ value: 0 }], 1, to(0)],
  ['value sets an object', [{ value: { a: 1 } }], ABSENT, to({ a: 1 })],
  ['value null removes a parameter', [{ value: null }], 'b', to(ABSENT)],
  ['value null leaves an absent parameter absent', [{ value: null }], ABSENT, to(ABSENT)],
  ['add sets an absent parameter', [{ add: ['a'] }], ABSENT, to(['a'])],
  ['an empty add sets an absent parameter', [{ add: [] }], ABSENT, to([])],
  ['add appends what is missing', [{ add: ['b', 'a'] }], ['a'], to(['a', 'b'])],
  [
    'add compares objects without the order of members',
    [{ add: [{ a: 1, b: 2 }] }],
    [{ b: 2, a: 1 }],
    to([{ b: 2, a: 1 }]),
  ],
  ['add distinguishes a number from its text', [{ add: ['1'] }], [1], to([1, '1'])],
  ['add refuses a parameter that is a text', [{ add: ['a'] }], 'b', 'METADATA_REFUSED'],
  ['default sets an absent parameter', [{ default: 'a' }], ABSENT, to('a')],
  ['default false sets an absent parameter', [{ default: false }], ABSENT, to(false)],
  ['default leaves a parameter as it is', [{ default: 'a' }], 'b', to('b')],
  ['default leaves false as it is', [{ default: true }], false, to(false)],
  ['one_of accepts one of its values', [{ one_of: ['a', 'b'] }], 'b', to('b')],
  ['one_of accepts a number', [{ one_of: [1, 2] }], 2, to(2)],
  ['one_of refuses another value', [{ one_of: ['a', 'b'] }], 'c', 'METADATA_REFUSED'],
  ['one_of refuses a list', [{ one_of: ['a'] }], ['a'], 'METADATA_REFUSED'],
  ['one_of ignores an absent parameter', [{ one_of: ['a'] }], ABSENT, to(ABSENT)],
  ['subset_of keeps the common values', [{ subset_of: ['a', 'b'] }], ['c', 'b'], to(['b'])],
  ['subset_of may leave an empty list', [{ subset_of: ['a'] }], ['c'], to([])],
  ['subset_of ignores an absent parameter', [{ subset_of: ['a'] }], ABSENT, to(ABSENT)],
  ['subset_of refuses a text', [{ subset_of: ['a'] }], 'a', 'METADATA_REFUSED'],
  ['superset_of accepts an equal list', [{ superset_of: ['a', 'b'] }], ['b', 'a'], to(['b', 'a'])],
  ['superset_of accepts a larger list', [{ superset_of: ['a'] }], ['b', 'a'], to(['b', 'a'])],
  ['superset_of refuses a list without one of its values', [{ superset_of: ['a', 'b'] }], ['a'], 'METADATA_REFUSED'],
  ['superset_of ignores an absent parameter', [{ superset_of: ['a'] }], ABSENT, to(ABSENT)],
  ['essential true refuses an absent parameter', [{ essential: true }], ABSENT, 'METADATA_REFUSED'],
  ['essential true accepts false', [{ essential: true }], false, to(false)],
  ['essential false accepts an absent parameter', [{ essential: false }], ABSENT, to(ABSENT)],
]

const IN_ORDER: readonly Case[] = [
  ['default comes before one_of', [{ default: 'a', one_of: ['b'] }], ABSENT, 'METADATA_REFUSED'],
  ['default comes before essential', [{ default: 'a', essential: true }], ABSENT, to('a')],
  ['add comes before default', [{ add: ['a'], default: ['b'] }], ABSENT, to(['a'])],
  ['add comes before subset_of', [{ add: ['a'], subset_of: ['a'] }], ['b'], to(['a'])],
  ['add comes before superset_of', [{ add: ['a'], superset_of: ['a'] }], ['b'], to(['b', 'a'])],
  ['subset_of comes before superset_of', [{ subset_of: ['a', 'b'], superset_of: ['a'] }], ['a', 'c'], to(['a'])],
  [
    'subset_of and superset_of together demand a set',
    [{ subset_of: ['a'], superset_of: ['a'] }],
    ['b'],
    'METADATA_REFUSED',
  ],
  [
    'subset_of with essential true refuses no parameter',
    [{ subset_of: ['a'], essential: true }],
    ABSENT,
    'METADATA_REFUSED',
  ],
  ['subset_of with essential true accepts an empty list', [{ subset_of: ['a'], essential: true }], ['c'], to([])],
]

const COMBINATIONS: readonly Case[] = [
  ['value with add inside it', [{ value: ['a', 'b'], add: ['a'] }], ABSENT, to(['a', 'b'])],
  ['value with add outside it', [{ value: ['a'], add: ['b'] }], ABSENT, 'POLICY_COMBINATION'],
  ['value as a text with add', [{ value: 'a', add: ['a'] }], ABSENT, 'POLICY_COMBINATION'],
  ['value null with an empty add', [{ value: null, add: [] }], ABSENT, 'POLICY_COMBINATION'],
  ['value with default', [{ value: 'a', default: 'b' }], ABSENT, to('a')],
  ['value null with default', [{ value: null, default: 'b' }], ABSENT, 'POLICY_COMBINATION'],
  ['value inside one_of', [{ value: 'a', one_of: ['a', 'b'] }], 'c', to('a')],
  ['value outside one_of', [{ value: 'c', one_of: ['a', 'b'] }], ABSENT, 'POLICY_COMBINATION'],
  ['value inside subset_of', [{ value: ['a'], subset_of: ['a', 'b'] }], ABSENT, to(['a'])],
  ['value outside subset_of', [{ value: ['a', 'c'], subset_of: ['a', 'b'] }], ABSENT, 'POLICY_COMBINATION'],
  ['value above superset_of', [{ value: ['a', 'b'], superset_of: ['a'] }], ABSENT, to(['a', 'b'])],
  ['value not above superset_of', [{ value: ['a'], superset_of: ['a', 'b'] }], ABSENT, 'POLICY_COMBINATION'],
  ['value null with essential true', [{ value: null, essential: true }], 'a', 'POLICY_COMBINATION'],
  ['value null with essential false', [{ value: null, essential: false }], 'a', to(ABSENT)],
  ['add with one_of', [{ add: ['a'], one_of: ['a'] }], ABSENT, 'POLICY_COMBINATION'],
  ['add outside subset_of', [{ add: ['b'], subset_of: ['a'] }], ABSENT, 'POLICY_COMBINATION'],
  ['one_of with subset_of', [{ one_of: ['a'], subset_of: ['a'] }], ABSENT, 'POLICY_COMBINATION'],
  ['one_of with superset_of', [{ one_of: ['a'], superset_of: ['a'] }], ABSENT, 'POLICY_COMBINATION'],
  ['subset_of below superset_of', [{ subset_of: ['a'], superset_of: ['a', 'b'] }], ABSENT, 'POLICY_COMBINATION'],
]

const MERGES: readonly Case[] = [
  ['equal values', [{ value: ['a', 'b'] }, { value: ['a', 'b'] }], ABSENT, to(['a', 'b'])],
  ['different values', [{ value: 'a' }, { value: 'b' }], ABSENT, 'POLICY_CONFLICT'],
  ['values in another order', [{ value: ['a', 'b'] }, { value: ['b', 'a'] }], ABSENT, 'POLICY_CONFLICT'],
  ['value null below a value', [{ value: 'a' }, { value: null }], ABSENT, 'POLICY_CONFLICT'],
  ['two values null', [{ value: null }, { value: null }], 'a', to(ABSENT)],
  ['add unites', [{ add: ['a'] }, { add: ['b', 'a'] }], ABSENT, to(['a', 'b'])],
  ['equal defaults', [{ default: 'a' }, { default: 'a' }], ABSENT, to('a')],
  ['different defaults', [{ default: 'a' }, { default: 'b' }], 'a', 'POLICY_CONFLICT'],
  ['one_of intersects', [{ one_of: ['a', 'b'] }, { one_of: ['b', 'c'] }], 'a', 'METADATA_REFUSED'],
  ['one_of without a common value', [{ one_of: ['a'] }, { one_of: ['b'] }], ABSENT, 'POLICY_CONFLICT'],
  ['subset_of intersects', [{ subset_of: ['a', 'b'] }, { subset_of: ['b', 'c'] }], ['a', 'b', 'c'], to(['b'])],
  ['subset_of without a common value', [{ subset_of: ['a'] }, { subset_of: ['b'] }], ['a', 'b'], to([])],
  ['superset_of unites', [{ superset_of: ['a'] }, { superset_of: ['b'] }], ['a'], 'METADATA_REFUSED'],
  ['essential stays true below', [{ essential: true }, { essential: false }], ABSENT, 'METADATA_REFUSED'],
  ['essential becomes true below', [{ essential: false }, { essential: true }], ABSENT, 'METADATA_REFUSED'],
  ['a merged value outside a lower subset_of', [{ value: ['a'] }, { subset_of: ['b'] }], ABSENT, 'POLICY_COMBINATION'],
  [
    'a lower subset_of below a superset_of',
    [{ superset_of: ['a', 'b'] }, { subset_of: ['a'] }],
    ABSENT,
    'POLICY_COMBINATION',
  ],
  [
    'a third policy against the first',
    [{ value: 'a' }, { essential: true }, { value: 'b' }],
    ABSENT,
    'POLICY_CONFLICT',
  ],
  [
    'an intersection of three',
    [{ one_of: ['a', 'b', 'c'] }, { one_of: ['b', 'c'] }, { one_of: ['c'] }],
    'b',
    'METADATA_REFUSED',
  ],
]

const OPERANDS: readonly Case[] = [
  ['add with a text', [{ add: 'a' }], ABSENT, 'POLICY_MALFORMED'],
  ['add with a list of lists', [{ add: [['a']] }], ABSENT, 'POLICY_MALFORMED'],
  ['default null', [{ default: null }], ABSENT, 'POLICY_MALFORMED'],
  ['one_of with a text', [{ one_of: 'a' }], ABSENT, 'POLICY_MALFORMED'],
  ['an empty one_of', [{ one_of: [] }], ABSENT, 'POLICY_MALFORMED'],
  ['subset_of null', [{ subset_of: null }], ABSENT, 'POLICY_MALFORMED'],
  ['superset_of with true inside', [{ superset_of: [true] }], ABSENT, 'POLICY_MALFORMED'],
  ['essential with a text', [{ essential: 'true' }], ABSENT, 'POLICY_MALFORMED'],
  ['an unknown operator has no effect', [{ regexp: '^b' }], 'a', to('a')],
  ['a name of Object.prototype is no operator', [{ constructor: 'b' }], 'a', to('a')],
]

describe.each([
  ['one policy', ONE_POLICY],
  ['the order of operators', IN_ORDER],
  ['a combination of operators', COMBINATIONS],
  ['a merge from the anchor down', MERGES],
  ['an operand', OPERANDS],
])('metadata policy, %s', (_, cases) => {
  it.each(cases)('%s', (_title, policies, before, after) => {
    const { outcome } = resolve(
      policies.map((p) => ({ p })),
      before === undefined ? {} : { p: before },
    )
    const parameters = typeof after === 'string' || after.to === undefined ? {} : { p: after.to }
    expect(outcome).toEqual(typeof after === 'string' ? { rule: after } : { resolved: parameters })
  })
})
