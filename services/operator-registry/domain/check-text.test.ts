import { expect, test } from 'vitest'
import { checkText } from './check-text.ts'

test.each([
  ['nothing', ''],
  ['500 characters', 'a'.repeat(500)],
  ['500 characters outside the basic plane', '😀'.repeat(500)],
])('accepts %s', (_, text) => {
  expect(checkText('reason', text)).toBe(text)
})

test.each([
  ['501 characters', 'a'.repeat(501), /more than 500/],
  ['501 characters outside the basic plane', '😀'.repeat(501), /more than 500/],
  ['NUL', 'a\0b', /control/],
  ['a line break, which would forge a line of a log', 'a\nb', /control/],
])('refuses %s', (_, text, why) => {
  expect(() => checkText('reason', text)).toThrow(
    expect.objectContaining({ reason: 'INVALID_ARGUMENT', message: expect.stringMatching(why) }),
  )
})
