import { describe, expect, it } from 'vitest'
import { comparableLabel, isKeyLabel } from './key-label.ts'

describe('isKeyLabel', () => {
  it.each([
    'a',
    'Zoë, laptop',
    'pipeline (eu-1)',
    'שלום',
    '构建服务器',
    '🔑 vault',
    'x'.repeat(64),
    '🔑'.repeat(64),
    'é'.repeat(64),
  ])('accepts %s', (label) => {
    expect(isKeyLabel(label)).toBe(true)
  })

  it.each([
    ['empty', ''],
    ['longer than 64 characters', 'x'.repeat(65)],
    ['longer than 64 characters outside the BMP', '🔑'.repeat(65)],
    ['a million characters', 'x'.repeat(1_000_000)],
    ['only a space', ' '],
    ['a space first', ' a'],
    ['a space last', 'a '],
    ['two spaces', 'a  b'],
    ['a tab', 'a\tb'],
    ['a line break', 'a\nb'],
    ['a line break last', 'a\n'],
    ['an escape sequence', '\u001b[31mroot'],
    ['a NUL', 'a\0'],
    ['a C1 control', 'a\u0085'],
    ['right-to-left override', 'bob\u202e'],
    ['left-to-right mark', 'bob\u200e'],
    ['an isolate', '\u2066bob\u2069'],
    ['a zero-width space', 'b\u200bob'],
    ['a zero-width joiner', 'b\u200dob'],
    ['a soft hyphen', 'b\u00adob'],
    ['a byte order mark', '\ufeffbob'],
    ['a no-break space', 'a\u00a0b'],
    ['a line separator', 'a\u2028b'],
    ['a hangul filler', '\u3164'],
    ['a blank braille pattern', '\u2800'],
    ['a variation selector', 'a\ufe0f'],
    ['a tag character', 'a\u{e0041}'],
    ['a mark first', '\u0301a'],
    ['a private use character', 'a\ue000'],
    ['an unassigned character', 'a\u0378'],
    ['a lone surrogate', 'a\ud800'],
    ['not in form NFC', 'Zoe\u0308'],
  ])('refuses a label with: %s', (_, label) => {
    expect(isKeyLabel(label)).toBe(false)
  })
})

describe('comparableLabel', () => {
  it.each([
    ['Alice', 'ALICE'],
    ['alice', 'ａlice'],
    ['ﬁle', 'file'],
  ])('makes %s and %s equal', (one, other) => {
    expect(comparableLabel(one)).toBe(comparableLabel(other))
  })

  it('keeps different names different', () => {
    expect(comparableLabel('alice')).not.toBe(comparableLabel('alice 2'))
  })
})
