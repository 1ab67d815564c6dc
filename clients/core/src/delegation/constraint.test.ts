import { expect, it } from 'vitest'
import { CONSTRAINT_TYPES, type Constraint, isScalar, isUnconstrained } from './constraint.ts'

const LARGEST = Number.MAX_SAFE_INTEGER
const open = (constraint: Constraint) => new Map([['*', { constraint, optional: false }]])

it('has every type once', () => {
  expect(new Set(CONSTRAINT_TYPES).size).toBe(10)
  expect(CONSTRAINT_TYPES).toHaveLength(10)
})

it.each(['', 'a', '\u{1f511}', 0, -0, 0.1, LARGEST, -LARGEST, true, false, null])('isScalar accepts %j', (value) => {
  expect(isScalar(value)).toBe(true)
})

it.each([undefined, '\ud800', LARGEST + 1, -LARGEST - 1, 1e300, Number.NaN, -Infinity, 1n, [], {}, Symbol('a')])(
  'isScalar refuses %s',
  (value) => {
    expect(isScalar(value)).toBe(false)
  },
)

it('isUnconstrained accepts only a map of exactly * with a wildcard', () => {
  const wildcard = { constraint_type: 'wildcard' } as const
  expect(isUnconstrained(open(wildcard))).toBe(true)
  expect(isUnconstrained(open({ constraint_type: 'range', max: 5 }))).toBe(false)
  expect(isUnconstrained(new Map([['a', { constraint: wildcard, optional: true }]]))).toBe(false)
  expect(isUnconstrained(new Map([...open(wildcard), ['a', { constraint: wildcard, optional: true }]]))).toBe(false)
  expect(isUnconstrained(new Map())).toBe(false)
})
