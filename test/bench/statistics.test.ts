import { expect, it } from 'vitest'
import { summarise } from './statistics.ts'

it.each([
  ['undefined for no numbers', [], undefined],
  ['the summary of one number', [3], { median: 3, min: 3, max: 3 }],
  ['the summary of an odd number of numbers', [10, 1, 2], { median: 2, min: 1, max: 10 }],
  ['the summary of an even number of numbers', [4, 1, 2, 10], { median: 3, min: 1, max: 10 }],
])('summarise returns %s', (_, values, summary) => {
  expect(summarise(values)).toEqual(summary)
})
