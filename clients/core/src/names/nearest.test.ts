import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

it.each([
  ['isue', 'issue'],
  ['isseu', 'issue'],
  ['issuee', 'issue'],
  ['ISSUE', 'issue'],
  ['reg', 'register'],
  ['veriyf', 'verify'],
  ['scopes', 'allowed_scopes'],
  ['pools', 'cachePools'],
  ['x', undefined],
  ['', undefined],
  ['entirely', undefined],
  ['i'.repeat(100_000), undefined],
])('nearest returns for the word %.20j the known word %j', (word, meant) => {
  expect(nearest(word, ['issue', 'register', 'verify', 'init', 'allowed_scopes', 'cachePools'])).toBe(meant)
})
