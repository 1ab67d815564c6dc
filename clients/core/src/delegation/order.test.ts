import { describe, expect, it } from 'vitest'
import { answerOrder } from '../../../../test/support/delegation/check-tables.ts'
import {
  all,
  any,
  capabilitiesOf,
  contains,
  exact,
  notOneOf,
  oneOf,
  PAY,
  prefix,
  range,
  subset,
  wildcard,
} from '../../../../test/support/delegation/constraints.ts'
import { CORE } from '../../../../test/support/delegation/library.ts'
import { CONSTRAINT_TYPES } from './constraint.ts'
import { compareCapabilities, isNarrower } from './order.ts'

const grant = (max: number) => capabilitiesOf({ [PAY]: { amount: range({ max }) } })

describe('the order of constraints and grants', () => {
  it.each(answerOrder(CORE))('judges $name', ({ answer, expected }) => {
    expect(answer).toBe(expected)
  })

  it('accepts of all pairs of types only the listed ones', () => {
    // Each of these is as narrow as most others of another type: they admit few values around one.
    const each = [
      wildcard,
      exact(1),
      oneOf(1),
      notOneOf(2),
      range({ min: 1, max: 1 }),
      prefix('a'),
      contains(1),
      subset(1),
      all(exact(1)),
      any(exact(1)),
      exact('a'),
      oneOf('a'),
    ]
    const accepted = each.flatMap((parent) =>
      each
        .filter((child) => parent !== wildcard && isNarrower(child, parent))
        .map((child) => `${child.constraint_type} under ${parent.constraint_type}`),
    )
    expect([...new Set(each.map(({ constraint_type }) => constraint_type))]).toEqual(CONSTRAINT_TYPES)
    expect([...new Set(accepted)].toSorted()).toEqual([
      'all under all',
      'any under any',
      'contains under contains',
      'exact under exact',
      'exact under one_of',
      'exact under prefix',
      'exact under range',
      'not_one_of under not_one_of',
      'one_of under one_of',
      'one_of under prefix',
      'prefix under prefix',
      'range under range',
      'subset under subset',
    ])
    expect(each.every((child) => isNarrower(child, wildcard))).toBe(true)
  })

  it('says in one sentence what is required', () => {
    expect(compareCapabilities(grant(501), grant(500))).toEqual({
      ok: false,
      reason: 'CONSTRAINT_WIDENED',
      rule: `in "${PAY}", the constraint of the argument "amount" must be as narrow as the parent's`,
    })
  })
})
