import { describe, expect, it } from 'vitest'
import { isVisibleText } from './visible-text.ts'

describe('isVisibleText', () => {
  it.each([
    ['a sentence', 'Read your orders'],
    ['letters of other scripts', 'ändern, 注文を読む'],
    ['a combining mark after its letter', 'e\u0301'],
    ['as many characters as allowed', 'x'.repeat(20)],
    ['as many characters of two units as allowed', '😀'.repeat(20)],
  ])('accepts %s', (_what, text) => {
    expect(isVisibleText(text, 20)).toBe(true)
  })

  it.each([
    ['the empty text', ''],
    ['one character too many', 'x'.repeat(21)],
    ['one character of two units too many', '😀'.repeat(21)],
    ['a blank', ' '],
    ['a blank in front', ' a'],
    ['a blank at the end', 'a '],
    ['two blanks', 'a  b'],
    ['a line end', 'a\nb'],
    ['a tab', 'a\tb'],
    ['NUL', 'a\0'],
    ['another direction of writing', 'a\u202eb'],
    ['a character without width', 'a\u200bb'],
    ['a soft hyphen', 'a\u00adb'],
    ['a filler', '\u3164'],
    ['a blank of Braille', '\u2800'],
    ['a line separator', 'a\u2028b'],
    ['a blank that does not break', 'a\u00a0b'],
    ['a mark without a letter', '\u0301'],
    ['a lone surrogate', '\ud800'],
    ['a character of private use', '\ue000'],
  ])('refuses %s', (_what, text) => {
    expect(isVisibleText(text, 20)).toBe(false)
  })
})
