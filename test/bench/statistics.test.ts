import { expect, it } from 'vitest'
import { summarise } from './statistics.ts'

it.each([
  ['nothing', [], undefined],
  ['one number', [3], { median: 3, min: 3, max: 3 }],
  ['an odd number of numbers', [10, 1, 2], { median: 2, min: 1, max: 10 }],
  ['an even number of numbers', [4, 1, 2, 10], { median: 3, min: 1, max: 10 }],
])('summarises %s', (_, values, summary) => {
  expect(summarise(values)).toEqual(summary)
})
