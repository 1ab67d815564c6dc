import { expect, it } from 'vitest'
import { compact, indented, lines, plain } from './text.ts'

/** A colour, one in a single byte, text turned around, a line of its own, and a tag beyond the first plane. */
const HOSTILE = 'a\u001b[31m\u009b31m\u202eb\u2066\r\nc\u2028d\u{e0041}e'

it('shows no control character to people', () => {
  expect(plain(HOSTILE)).toBe('a?[31m?31m?b???c?d?e')
  expect(lines({ domain: HOSTILE, none: null, empty: '' })).toBe('domain: a?[31m?31m?b???c?d?e')
})

it.each([
  ['compact', compact, 1],
  ['indented', indented, 5],
])('%s JSON has them escaped, and is the same to whoever parses it', (_name, write, count) => {
  const value = { [HOSTILE]: [HOSTILE, 'plain – ü 😀'] }
  const text = write(value)
  expect(text.split('\n')).toHaveLength(count + Number(count > 1))
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  expect(text).toContain('plain – ü 😀')
  expect(JSON.parse(text)).toEqual(value)
})
