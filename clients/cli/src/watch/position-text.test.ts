import { expect, it } from 'vitest'
import { readPosition, writePosition } from './position-text.ts'

it.each([
  { logEpoch: 1, sequence: 0, hash: '' },
  { logEpoch: 12, sequence: 999_999_999_999_999, hash: 'ab'.repeat(32) },
])('readPosition reads what writePosition writes: %j', (position) => {
  expect(readPosition(writePosition(position))).toEqual(position)
})

it.each([
  '',
  '1',
  '1-1',
  '0-1-',
  '1-01-',
  '1--1-',
  '1-1-abc',
  '1-1-$',
  `1-1-${'A'.repeat(42)}B`,
  '1-9999999999999999-',
])('readPosition returns undefined for "%s"', (text) => expect(readPosition(text)).toBeUndefined())
