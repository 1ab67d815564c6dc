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
    ['as many characters as may be', 'a'.repeat(max)],
    ['as many characters as may be of two UTF-16 units each', '🤖'.repeat(max)],
  ])('takes %s', (_name, text) => {
    expect(check(text)).toBe(text)
  })

  it.each([
    ['one character too many', 'a'.repeat(max + 1)],
    ['one character of two UTF-16 units too many', '🤖'.repeat(max + 1)],
    ['NUL', 'a\0b'],
    ['escape', '\x1b[2J'],
    ['DEL', 'a\x7f'],
    ['a C1 control character', 'a\x9b'],
    ['half a surrogate pair', 'a\ud800'],
  ])('refuses %s', (_name, text) => {
    expect(reasonOf(() => check(text))).toBe('INVALID_ARGUMENT')
  })
})

it('takes tab and line end in a reason, and not in a label', () => {
  expect(checkReason('lost key:\r\n\tlaptop')).toBe('lost key:\r\n\tlaptop')
  for (const text of ['a\tb', 'a\nb', 'a\rb']) expect(reasonOf(() => checkLabel(text))).toBe('INVALID_ARGUMENT')
})
