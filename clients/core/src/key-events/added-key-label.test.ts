import { describe, expect, it } from 'vitest'
import { isAddedKeyLabel } from './added-key-label.ts'

const around = (character: string) => `a${character}b`
const codePoint = (value: number) => String.fromCodePoint(value)
const named = (value: number) => `U+${value.toString(16).toUpperCase().padStart(4, '0')}`

describe('isAddedKeyLabel', () => {
  it.each([
    ['one letter', 'a'],
    ['words with a space', 'TPM of build-7'],
    ['two spaces inside', 'a  b'],
    ['accents', 'Büro, Zürich'],
    ['a combining accent', 'Zoe\u0308'],
    ['Chinese', '构建服务器'],
    ['Hebrew', 'שלום'],
    ['an emoji', '🔑 vault'],
    ['markup, which is only text', '<b>"key"</b> & $(rm)'],
    ['100 characters', 'x'.repeat(100)],
    ['100 characters outside the BMP', '🔑'.repeat(100)],
    ['a character that Unicode may assign later', `a${codePoint(0x0378)}`],
  ])('accepts %s', (_name, label) => {
    expect(isAddedKeyLabel(label)).toBe(true)
  })

  it.each([
    ['an empty text', ''],
    ['101 characters', 'x'.repeat(101)],
    ['101 characters outside the BMP', '🔑'.repeat(101)],
    ['a million characters', 'x'.repeat(1_000_000)],
    ['a space', ' '],
    ['a space in front', ' a'],
    ['a space at the end', 'a '],
    ['a line feed at the end', 'a\n'],
    ['an escape sequence of a terminal', '\u001b[31mroot'],
    ['an invisible tag behind a letter', 'a\u{e0041}'],
  ])('refuses %s', (_name, label) => {
    expect(isAddedKeyLabel(label)).toBe(false)
  })

  it.each([
    0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x1f, 0x7f, 0x80, 0x85, 0x9f, 0xa0, 0xad, 0x034f, 0x061c, 0x115f, 0x1160, 0x1680,
    0x17b4, 0x17b5, 0x180b, 0x180e, 0x180f, 0x2000, 0x2007, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029,
    0x202a, 0x202e, 0x202f, 0x205f, 0x2060, 0x2066, 0x2069, 0x206f, 0x2800, 0x3000, 0x3164, 0xfe00, 0xfe0f, 0xfeff,
    0xffa0, 0xfff0, 0xfff9, 0xfffd, 0xffff, 0xe0000, 0xe0001, 0xe007f, 0xe0100, 0xe0fff,
  ])('refuses the code point %s', (value) => {
    expect([isAddedKeyLabel(around(codePoint(value))), named(value)]).toEqual([false, named(value)])
  })

  it.each([
    0x20, 0x7e, 0xa1, 0xac, 0xae, 0x0301, 0x1161, 0x2010, 0x2027, 0x2030, 0x205e, 0x2070, 0x27ff, 0x3001, 0x10000,
    0x1bc9f, 0x1f600,
  ])('accepts the code point %s, which is beside a refused range', (value) => {
    expect([isAddedKeyLabel(around(codePoint(value))), named(value)]).toEqual([true, named(value)])
  })

  it('refuses every character that Unicode defaults to ignore, and every white space but U+0020', () => {
    const missed: string[] = []
    for (let value = 0; value <= 0x10ffff; value += 1) {
      const isSurrogate = value >= 0xd800 && value <= 0xdfff
      const isHidden = /^[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Zl}\p{Zp}\p{Zs}]$/u.test(codePoint(value))
      if (!isSurrogate && isHidden && value !== 0x20 && isAddedKeyLabel(around(codePoint(value))))
        missed.push(named(value))
    }
    expect(missed).toEqual([])
  })
})
