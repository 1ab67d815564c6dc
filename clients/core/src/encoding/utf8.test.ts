import { expect, it } from 'vitest'
import { decodeAscii, decodeUtf8 } from './utf8.ts'

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

it.each([
  ['nothing', [], ''],
  ['a letter of two bytes', [0xc3, 0xa4], 'ä'],
  ['a byte order mark, which stays', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
  ['a byte that begins no character', [0xff], undefined],
  ['a cut character', [0xc3], undefined],
  ['an overlong form of NUL', [0xc0, 0x80], undefined],
  ['a surrogate', [0xed, 0xa0, 0x80], undefined],
])('decodeUtf8 decodes only UTF-8: %s', (_name, bytes, text) => {
  expect(decodeUtf8(Uint8Array.from(bytes))).toBe(text)
})
