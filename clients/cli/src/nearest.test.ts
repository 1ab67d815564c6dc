import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

it.each([
  ['isue', 'issue'],
  ['isseu', 'issue'],
  ['issuee', 'issue'],
  ['reg', 'register'],
  ['veriyf', 'verify'],
  ['x', undefined],
  ['', undefined],
  ['entirely', undefined],
])('%j may have meant %j', (word, meant) => {
  expect(nearest(word, ['issue', 'register', 'verify', 'init'])).toBe(meant)
})
