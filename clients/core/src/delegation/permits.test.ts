import { describe, expect, it } from 'vitest'
import { answerPermits } from '../../../../test/support/delegation/check-tables.ts'
import { capabilitiesOf, PAY, range } from '../../../../test/support/delegation/constraints.ts'
import { CORE, checkWith } from '../../../../test/support/delegation/library.ts'
import { NOT_JSON } from '../../../../test/support/delegation/permit-cases.ts'
import { admits } from './permits.ts'

const RULES: readonly (readonly [args: Readonly<Record<string, unknown>> | undefined, rule: string])[] = [
  [{ amount: 11 }, 'the argument "amount" must satisfy its constraint range'],
  [{ amount: 1n }, 'the argument "amount" must be a value that JSON can carry'],
  [{ amount: 1, '"': 1 }, 'the call must not have the argument "\\""'],
  [{ '\ud800': 1 }, 'the name of an argument must be valid Unicode text'],
  [{ amount: [1, { x: 1n }] }, 'the argument "amount" must be a value that JSON can carry'],
  [{ amount: Array.from({ length: 1_000 }).fill(1) }, 'the arguments must have at most 1000 values in all'],
  [{ amount: Array.from({ length: 999 }).fill(1) }, 'the argument "amount" must satisfy its constraint range'],
  [{ amount: 1, to: Array.from({ length: 999 }).fill(1) }, 'the arguments must have at most 1000 values in all'],
  [{}, 'the argument "amount" must be present'],
  [undefined, 'the arguments of the call must be known, because the grant limits them'],
]

describe('the check of calls', () => {
  it.each(answerPermits(CORE))('judges $name', ({ answer, expected }) => {
    expect(answer).toEqual(expected)
  })

  it.each(NOT_JSON.map((value, at) => [at, value]))(
    'refuses value %i that is not JSON, under a wildcard',
    (_, value) => {
      expect(admits({ constraint_type: 'wildcard' }, value)).toBe(false)
    },
  )

  it.each(RULES)('says what is required of %o', (args, rule) => {
    const refusal = checkWith(CORE, [capabilitiesOf({ [PAY]: { amount: range({ max: 10 }) } })], PAY, args)
    expect(refusal?.rule).toBe(rule)
  })

  it('prints only the beginning of a long name', () => {
    const refusal = checkWith(CORE, [capabilitiesOf({ [PAY]: { amount: range({ max: 10 }) } })], PAY, {
      ['x'.repeat(9_999)]: 1,
    })
    expect(refusal?.rule).toBe(`the call must not have the argument "${'x'.repeat(128)}"`)
  })
})
