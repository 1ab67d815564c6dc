import { expect, it } from 'vitest'
import { decodeAscii } from './utf8.ts'

it.each([
  ['nothing', [], ''],
  ['letters', [0x61, 0x7a], 'az'],
  ['the first and the last of ASCII', [0x00, 0x7f], '\u0000\u007f'],
  ['the first beyond it', [0x61, 0x80], undefined],
  ['the last byte', [0xff], undefined],
  ['a letter of UTF-8', [0xc3, 0xa4], undefined],
])('decodes ASCII alone: %s', (_name, bytes, text) => {
  expect(decodeAscii(Uint8Array.from(bytes))).toBe(text)
})
