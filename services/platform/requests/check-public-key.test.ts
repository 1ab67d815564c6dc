import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../../test/support/reason-of.ts'
import { checkPublicKey } from './check-public-key.ts'

describe('checkPublicKey', () => {
  it('returns a copy of a good key', () => {
    const { publicKey } = generateKeyPair()
    const copy = checkPublicKey('key', publicKey)
    expect([...copy]).toEqual([...publicKey])
    expect(copy).not.toBe(publicKey)
  })

  it.each([
    ['31 bytes', '00'.repeat(31), 'must have 32 bytes: the raw Ed25519 public key, not PEM or DER'],
    ['y = 2', `02${'00'.repeat(31)}`, 'must be a point of the Ed25519 curve'],
    ['y = p', `ed${'ff'.repeat(30)}7f`, 'must be the canonical encoding of its point (RFC 8032 section 5.1.2)'],
    ['y = 0', '00'.repeat(32), 'must not be a point of small order'],
    [
      'a point of mixed order',
      '9158312a9a8d6e3b34c891d6d61444f8b8211c5117ebad15bdb0bd68b07e0245',
      'must be a point of the prime-order subgroup',
    ],
  ])('refuses %s, and says what would be right', (_name, hex, demand) => {
    const check = () => checkPublicKey('root_public_key', Buffer.from(hex, 'hex'))
    expect(reasonOf(check)).toBe('INVALID_PUBLIC_KEY')
    expect(check).toThrow(`root_public_key ${demand}`)
  })
})
