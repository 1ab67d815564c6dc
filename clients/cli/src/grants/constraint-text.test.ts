import type { ArgumentConstraint, Constraint } from '@auth4agent/core/delegation/constraint'
import { expect, it } from 'vitest'
import { argumentsText, constraintText } from './constraint-text.ts'

it.each<[Constraint, string]>([
  [{ constraint_type: 'wildcard' }, 'any value'],
  [{ constraint_type: 'exact', value: 'a' }, 'exactly "a"'],
  [{ constraint_type: 'one_of', values: ['a', 1, null] }, 'one of "a", 1, null'],
  [{ constraint_type: 'not_one_of', excluded: [true] }, 'none of true'],
  [{ constraint_type: 'range', max: 500 }, 'at most 500'],
  [{ constraint_type: 'range', min: 0, min_inclusive: false, max: 9, max_inclusive: true }, 'above 0 and at most 9'],
  [{ constraint_type: 'range', min: 1, max: 2, max_inclusive: false }, 'at least 1 and below 2'],
  [{ constraint_type: 'prefix', prefix: '/data/' }, 'begins with "/data/"'],
  [{ constraint_type: 'contains', required: ['a'] }, 'a list that has "a"'],
  [{ constraint_type: 'subset', allowed: ['a', 'b'] }, 'a list of only "a", "b"'],
  [
    {
      constraint_type: 'all',
      constraints: [
        { constraint_type: 'range', min: 1 },
        { constraint_type: 'range', max: 2 },
      ],
    },
    'all of (at least 1; at most 2)',
  ],
  [{ constraint_type: 'any', constraints: [{ constraint_type: 'exact', value: 1 }] }, 'any of (exactly 1)'],
])('constraintText writes %j as: %s', (constraint, text) => {
  expect(constraintText(constraint)).toBe(text)
})

const wildcard = { constraint: { constraint_type: 'wildcard' }, optional: false } as const
const amount = { constraint: { constraint_type: 'range', max: 5 }, optional: false } as const

it.each<[string, ReadonlyMap<string, ArgumentConstraint>]>([
  ['with any arguments', new Map([['*', wildcard]])],
  ['with amount: at most 5', new Map([['amount', amount]])],
  [
    'with amount (optional): at most 5; any other arguments',
    new Map<string, ArgumentConstraint>([
      ['amount', { ...amount, optional: true }],
      ['*', wildcard],
    ]),
  ],
  [
    'with amount: at most 5; "amount: at most 1; note": any value',
    new Map<string, ArgumentConstraint>([
      ['amount', amount],
      ['amount: at most 1; note', wildcard],
    ]),
  ],
])('argumentsText writes: %s', (text, map) => {
  expect(argumentsText(map)).toBe(text)
})
