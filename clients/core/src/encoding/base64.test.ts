import { describe, expect, it } from 'vitest'
import * as usual from './base64.ts'
import * as portable from './base64-portable.ts'

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

describe.each([
  ['base64 with Buffer', usual],
  ['base64 with atob', portable],
])('%s', (_by, { decodeBase64, decodeBase64url, encodeBase64, encodeBase64url }) => {
  describe('decodeBase64', () => {
    it.each([
      ['empty', '', ''],
      ['standard with padding', '+/8=', 'fbff'],
      ['standard without padding', '+/8', 'fbff'],
      ['url with padding', '-_8=', 'fbff'],
      ['url without padding', '-_8', 'fbff'],
      ['two padding characters', 'AQ==', '01'],
      ['two padding characters left out', 'AQ', '01'],
      ['no padding needed', 'AQID', '010203'],
    ])('accepts %s', (_name, text, bytes) => {
      expect(hex(decodeBase64(text))).toBe(bytes)
    })

    it.each([
      ['mixed alphabets', '+_8='],
      ['mixed alphabets without padding', '-/8'],
      ['partial padding', 'AQ='],
      ['too much padding', '+/8=='],
      ['padding where none is needed', 'AQID='],
      ['a whole group of padding', 'AQID===='],
      ['padding alone', '='],
      ['trailing bits, one', '+/9='],
      ['trailing bits, unpadded', '-_9'],
      ['trailing bits, two padding characters', 'AR=='],
      ['impossible length', 'AQIDA'],
      ['leading space', ' +/8='],
      ['trailing newline', '+/8=\n'],
      ['inner line break', 'AQ\r\nID'],
      ['tab', 'AQ\tID'],
      ['NUL', 'AQID\0'],
      ['foreign character', 'AQ*D'],
      ['text after padding', 'AQ==AQ=='],
      ['percent-encoded padding', 'AQ%3D%3D'],
      ['full-width letters', 'AQIＤ'],
      ['character whose low byte is a letter', 'AQI\u0144'],
    ])('refuses %s', (_name, text) => {
      expect(decodeBase64(text)).toBeUndefined()
    })
  })

  describe('decodeBase64url', () => {
    it.each([
      ['empty', '', ''],
      ['two characters', 'AQ', '01'],
      ['both special characters', '-_8', 'fbff'],
    ])('accepts %s', (_name, text, bytes) => {
      expect(hex(decodeBase64url(text))).toBe(bytes)
    })

    it.each([
      ['standard alphabet', '+/8'],
      ['padding', '-_8='],
      ['trailing bits', '-_9'],
      ['impossible length', 'AQIDA'],
      ['whitespace', 'AQ ID'],
      ['trailing newline', '-_8\n'],
      ['dot', 'AQ.ID'],
    ])('refuses %s', (_name, text) => {
      expect(decodeBase64url(text)).toBeUndefined()
    })
  })

  describe('encodeBase64url and encodeBase64', () => {
    it('encode only the bytes of a view, not its whole buffer', () => {
      const view = Uint8Array.from([9, 0xfb, 0xff, 9]).subarray(1, 3)
      expect(encodeBase64url(view)).toBe('-_8')
      expect(encodeBase64(view)).toBe('+/8=')
    })
  })
})
