import { describe, expect, it } from 'vitest'
import { portableSha256, sha256Text } from './sha256.ts'

/** FIPS 180-4, and the example of RFC 7638 section 3.1. */
const RFC_7638_KEY =
  '{"e":"AQAB","kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}'

describe.each([
  ['sha256Text', sha256Text],
  ['portableSha256', portableSha256],
])('%s', (_by, sha256) => {
  it.each([
    ['nothing', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['a text', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['bytes', Uint8Array.of(0x61, 0x62, 0x63), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'a view',
      Uint8Array.of(9, 0x61, 0x62, 0x63).subarray(1),
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    ],
    ['UTF-8', 'µ', '5a072f1be4c3ee04849a9ad686b287d12d6a99dc4eba13c7a2ca1844e7923a0a'],
  ])('hashes %s', (_name, data, hex) => {
    expect(sha256(data, 'hex')).toBe(hex)
  })

  it('returns base64url on demand', () => {
    expect(sha256(RFC_7638_KEY, 'base64url')).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  })
})
