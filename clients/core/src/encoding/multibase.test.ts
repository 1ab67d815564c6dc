import { createECDH } from 'node:crypto'
import { base58 } from '@scure/base'
import { describe, expect, it } from 'vitest'
import { decodePublicKeyMultibase, encodeMultikey, encodeP256Multikey } from './multibase.ts'

const RAW_KEY = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex')
const MULTIKEY = 'z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw'

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')
const multikeyOf = (bytes: string) => `z${base58.encode(Buffer.from(bytes, 'hex'))}`

describe('publicKeyMultibase', () => {
  it('encodes a key as the Multikey of the did:key specification', () => {
    expect(encodeMultikey(RAW_KEY)).toBe(MULTIKEY)
  })

  it.each([
    ['a Multikey', MULTIKEY],
    ['standard base64 of old clients', RAW_KEY.toString('base64')],
    ['standard base64 without padding', RAW_KEY.toString('base64').replace('=', '')],
    ['base64url', RAW_KEY.toString('base64url')],
  ])('reads %s', (_name, text) => {
    expect(hex(decodePublicKeyMultibase(text))).toBe(RAW_KEY.toString('hex'))
  })

  it('reads a base64 key that begins like a Multikey', () => {
    const key = Buffer.concat([Buffer.from('z6Mk', 'base64'), RAW_KEY.subarray(3)])
    expect(hex(decodePublicKeyMultibase(key.toString('base64')))).toBe(key.toString('hex'))
  })

  it.each([
    ['empty', ''],
    ['prefix alone', 'z'],
    ['base58 without prefix', MULTIKEY.slice(1)],
    ['upper-case prefix', `Z${MULTIKEY.slice(1)}`],
    ['base64url multibase prefix', `u${Buffer.concat([Buffer.from([0xed, 1]), RAW_KEY]).toString('base64url')}`],
    ['X25519 codec', multikeyOf(`ec01${RAW_KEY.toString('hex')}`)],
    ['Ed25519 private key codec', multikeyOf(`8026${RAW_KEY.toString('hex')}`)],
    ['codec that is no minimal varint', multikeyOf(`ed8100${RAW_KEY.toString('hex')}`)],
    ['no codec', multikeyOf(RAW_KEY.toString('hex'))],
    ['key too short', multikeyOf(`ed01${RAW_KEY.toString('hex').slice(2)}`)],
    ['key too long', multikeyOf(`ed01${RAW_KEY.toString('hex')}00`)],
    ['leading zero byte', multikeyOf(`00ed01${RAW_KEY.toString('hex')}`)],
    ['base64 of 31 bytes', RAW_KEY.subarray(1).toString('base64')],
    ['base64 of 33 bytes', Buffer.concat([RAW_KEY, Buffer.from([0])]).toString('base64')],
    ['hex', RAW_KEY.toString('hex')],
    ...['0', 'O', 'I', 'l', ' ', '\u{1f600}'].map((char) => [
      `the character ${char}`,
      `${MULTIKEY.slice(0, -char.length)}${char}`,
    ]),
    ['a long text', `${MULTIKEY}${'2'.repeat(100_000)}`],
  ])('refuses %s', (_name, text) => {
    expect(decodePublicKeyMultibase(text)).toBeUndefined()
  })
})

describe('encodeP256Multikey', () => {
  // Test vectors of the did:key specification.
  it.each([
    [
      'zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
      'fyNYMN0976ci7xqiSdag3buk-ZCwgXU4kz9XNkBlNUI',
      'hW2ojTNfH7Jbi8--CJUo3OCbH3y5n91g-IMA9MLMbTU',
    ],
    [
      'zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv',
      'igrFmi0whuihKnj9R3Om1SoMph72wUGeFaBbzG2vzns',
      'efsX5b10x8yjyrj4ny3pGfLcY7Xby1KzgqOdqnsrJIM',
    ],
  ])('encodes the key of did:key:%s', (multikey, x, y) => {
    expect(encodeP256Multikey(Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'))).toBe(multikey)
  })

  it('encodes the compressed point as node:crypto does, for an even and for an odd y', () => {
    const signs = new Set<number | undefined>()
    while (signs.size < 2) {
      const ecdh = createECDH('prime256v1')
      const point = ecdh.generateKeys()
      const compressed = ecdh.getPublicKey('hex', 'compressed')
      expect(encodeP256Multikey(point.subarray(1, 33), point.subarray(33))).toBe(multikeyOf(`8024${compressed}`))
      signs.add(Number.parseInt(compressed.slice(0, 2), 16))
    }
  })

  it('makes no text that decodePublicKeyMultibase accepts, because an identity key must be Ed25519', () => {
    expect(decodePublicKeyMultibase('zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169')).toBeUndefined()
  })
})
