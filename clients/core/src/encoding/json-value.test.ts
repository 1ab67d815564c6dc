import { expect, it } from 'vitest'
import { NOT_JSON } from '../../../../test/support/delegation/permit-cases.ts'
import { isJsonValue } from './json-value.ts'

it('isJsonValue accepts what JSON.parse returns', () => {
  expect(isJsonValue(JSON.parse('{"a":[1,-0,1e300,"\\ud83d\\ude00",null,true,{}],"__proto__":{"b":[]}}'))).toBe(true)
})

it.each(NOT_JSON.map((value, at) => [at, value]))('isJsonValue refuses value %i that no JSON text says', (_, value) => {
  expect(isJsonValue(value)).toBe(false)
})
