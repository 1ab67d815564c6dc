import { describe, expect, it } from 'vitest'
import { importHmacKey } from '../platform/crypto/hmac.ts'
import { type NonceScope, openNonce, sealNonce } from './nonce.ts'

const key = importHmacKey(Buffer.alloc(32, 1))
const scope: NonceScope = { purpose: 'enrol', operatorId: 'one', thumbprint: 'two' }
const EXPIRES_AT = Date.parse('2026-01-15T10:30:00.125Z')

describe('a nonce', () => {
  it('has 32 bytes and tells when it expires', () => {
    const nonce = sealNonce(key, scope, EXPIRES_AT)
    expect(nonce.bytes).toHaveLength(32)
    expect(nonce.text).toMatch(/^[\w-]{43}$/)
    expect(openNonce(key, scope, nonce.text)).toEqual(nonce)
  })

  it('is never the same twice', () => {
    expect(sealNonce(key, scope, EXPIRES_AT).text).not.toBe(sealNonce(key, scope, EXPIRES_AT).text)
  })

  it.each<[what: string, other: Partial<NonceScope>]>([
    ['another purpose', { purpose: 'attest' }],
    ['another operator', { operatorId: 'three' }],
    ['another key of an agent', { thumbprint: 'three' }],
    ['a scope whose parts are shifted', { operatorId: 'one\ntwo', thumbprint: '' }],
  ])('does not open for %s', (_, other) => {
    expect(openNonce(key, { ...scope, ...other }, sealNonce(key, scope, EXPIRES_AT).text)).toBeUndefined()
  })

  it('does not open under another key of the server', () => {
    const { text } = sealNonce(key, scope, EXPIRES_AT)
    expect(openNonce(importHmacKey(Buffer.alloc(32, 2)), scope, text)).toBeUndefined()
  })

  it('does not open when any bit is changed', () => {
    const { bytes } = sealNonce(key, scope, EXPIRES_AT)
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(openNonce(key, scope, changed.toString('base64url'))).toBeUndefined()
    }
  })

  it.each(['', 'A', 'A'.repeat(42), 'A'.repeat(44), '='.repeat(43), 'Ä'.repeat(43)])(
    'does not open the text %j',
    (text) => {
      expect(openNonce(key, scope, text)).toBeUndefined()
    },
  )
})
