import { describe, expect, it } from 'vitest'
import { answerParse } from '../../../../test/support/delegation/check-tables.ts'
import {
  all,
  any,
  contains,
  detailsOf,
  exact,
  notOneOf,
  oneOf,
  optional,
  PAY,
  prefix,
  range,
  subset,
  wildcard,
} from '../../../../test/support/delegation/constraints.ts'
import { CORE } from '../../../../test/support/delegation/library.ts'
import { formatCapabilities, parseCapabilities } from './parse-capabilities.ts'

describe('parseCapabilities', () => {
  it.each(answerParse(CORE))('judges $name', ({ answer, expected }) => {
    expect(answer).toEqual(expected)
  })

  it('returns the constraints of each argument, and reads {} as {"*": wildcard}', () => {
    const amount = range({ min: 1, max: 5, max_inclusive: false })
    const orders = 'https://api.acme.test#orders:read'
    expect(parseCapabilities(detailsOf({ [orders]: {}, [PAY]: { amount, to: optional(exact('b')) } }))).toEqual({
      ok: true,
      value: new Map([
        [orders, new Map([['*', { constraint: wildcard, optional: false }]])],
        [
          PAY,
          new Map([
            ['amount', { constraint: amount, optional: false }],
            ['to', { constraint: exact('b'), optional: true }],
          ]),
        ],
      ]),
    })
  })

  it('says what is required of a nested constraint', () => {
    expect(parseCapabilities(detailsOf({ [PAY]: { a: all(wildcard, oneOf()) } }))).toMatchObject({
      rule: `in "${PAY}", the constraint of "a" must have only the member values in one_of, a list of one or more different scalars`,
    })
  })
})

it.each([exact(2 ** 53), oneOf(1, -1e300), range({ min: 2 ** 53 })])(
  'parseCapabilities says how large numbers must be written in %j',
  (constraint) => {
    expect(parseCapabilities(detailsOf({ [PAY]: { a: constraint } }))).toMatchObject({
      rule: `in "${PAY}", the constraint of "a" must write numbers beyond 2^53-1 as strings`,
    })
  },
)

describe('formatCapabilities', () => {
  it('writes every type as it was read', () => {
    const tools = {
      [PAY]: {
        amount: range({ min: 1, min_inclusive: false, max: 5, max_inclusive: true }),
        to: optional(any(exact('b'), oneOf(1, null), notOneOf(true))),
        '\u00e9': all(prefix('/d/'), contains('a'), subset()),
        '*': wildcard,
      },
      'https://api.acme.test#orders:read': {},
    }
    const read = parseCapabilities(detailsOf(tools))
    expect(read.ok && formatCapabilities(read.value)).toEqual(detailsOf(tools))
  })

  it('writes {"*": wildcard} as {}', () => {
    const read = parseCapabilities(detailsOf({ [PAY]: { '*': wildcard } }))
    expect(read.ok && formatCapabilities(read.value)).toEqual(detailsOf({ [PAY]: {} }))
  })

  it('refuses a capability that allows no argument, because {} would allow every argument', () => {
    expect(() => formatCapabilities(new Map([[PAY, new Map()]]))).toThrow(
      new TypeError('A capability must have an argument or "*"'),
    )
  })
})
