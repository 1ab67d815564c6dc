import { expect, it } from 'vitest'
import { compact, indented, lines, plain } from './text.ts'

/** A colour, a colour with an 8-bit CSI, reversed text, line ends, and a tag beyond the first plane. */
const HOSTILE = 'a\u001b[31m\u009b31m\u202eb\u2066\r\nc\u2028d\u{e0041}e'

it('plain and lines replace control characters', () => {
  expect(plain(HOSTILE)).toBe('a?[31m?31m?b???c?d?e')
  expect(lines({ domain: HOSTILE, none: null, empty: '' })).toBe('domain: a?[31m?31m?b???c?d?e')
})

it.each([
  ['compact', compact, 1],
  ['indented', indented, 5],
])('%s escapes control characters without changing the parsed value', (_name, write, count) => {
  const value = { [HOSTILE]: [HOSTILE, 'plain – ü 😀'] }
  const text = write(value)
  expect(text.split('\n')).toHaveLength(count + Number(count > 1))
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  expect(text).toContain('plain – ü 😀')
  expect(JSON.parse(text)).toEqual(value)
})
