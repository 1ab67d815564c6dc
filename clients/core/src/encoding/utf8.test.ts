import { expect, it } from 'vitest'
import { decodeAscii } from './utf8.ts'

it.each([
  ['nothing', [], ''],
  ['letters', [0x61, 0x7a], 'az'],
  ['the first and last ASCII characters', [0x00, 0x7f], '\u0000\u007f'],
  ['the first byte beyond ASCII', [0x61, 0x80], undefined],
  ['the byte 0xff', [0xff], undefined],
  ['a letter of two bytes in UTF-8', [0xc3, 0xa4], undefined],
])('decodeAscii decodes only ASCII: %s', (_name, bytes, text) => {
  expect(decodeAscii(Uint8Array.from(bytes))).toBe(text)
})
