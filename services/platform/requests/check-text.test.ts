import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { checkLabel, checkReason } from './check-text.ts'

describe.each([
  ['checkLabel', checkLabel, 100],
  ['checkReason', checkReason, 500],
] as const)('%s', (_name, check, max) => {
  it.each([
    ['nothing', ''],
    ['letters of any script', 'Zahlungsläufer 支払い'],
    ['the maximum number of characters', 'a'.repeat(max)],
    ['the maximum number of characters with two UTF-16 units each', '🤖'.repeat(max)],
  ])('accepts %s', (_name, text) => {
    expect(check(text)).toBe(text)
  })

  it.each([
    ['one character too many', 'a'.repeat(max + 1)],
    ['one character too many with two UTF-16 units', '🤖'.repeat(max + 1)],
    ['NUL', 'a\0b'],
    ['escape', '\x1b[2J'],
    ['DEL', 'a\x7f'],
    ['a C1 control character', 'a\x9b'],
    ['a lone surrogate', 'a\ud800'],
  ])('refuses %s', (_name, text) => {
    expect(reasonOf(() => check(text))).toBe('INVALID_ARGUMENT')
  })
})

it('checkReason accepts tabs and line ends, and checkLabel refuses them', () => {
  expect(checkReason('lost key:\r\n\tlaptop')).toBe('lost key:\r\n\tlaptop')
  for (const text of ['a\tb', 'a\nb', 'a\rb']) expect(reasonOf(() => checkLabel(text))).toBe('INVALID_ARGUMENT')
})
