import { expect, it } from 'vitest'
import { hasCanonicalNumbers } from './canonical-numbers.ts'

it.each([
  '{}',
  '{"a":0}',
  '[1,-1,0.1,-0.5,9007199254740991,1e+21,1e-7,5e-324]',
  '{"a":[{"b":500}]}',
  '{"1.0":"1.0, -0, 1e2","b":"\\"2.0","c":"\\\\"}',
  '{"a":"2.0\\""}',
  '9007199254740994',
  '{"a":true,"b":null}',
])('hasCanonicalNumbers accepts %s', (text) => {
  expect(hasCanonicalNumbers(text)).toBe(true)
})

it.each([
  '1.0',
  '1e2',
  '1E+21',
  '1e21',
  '-0',
  '0.10',
  '-1.50',
  '9007199254740993',
  '1.00000000000000001',
  '1e400',
  '0.0000001',
  '[1,2.0]',
  '{"a":"\\\\","b":1.0}',
  '{"a":{"b":[-0]}}',
])('hasCanonicalNumbers refuses %s', (text) => {
  expect(hasCanonicalNumbers(text)).toBe(false)
})
