import { constants, sign as cryptoSign, generateKeyPairSync } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ENCODINGS, signEncoded } from '../../../../test/support/rsa-encodings.ts'
import { signRsa, verifyRsa } from './rsa-pkcs1.ts'

const TEXT = 'message'
const MESSAGE = Buffer.from(TEXT)
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const GOOD = await signRsa(privateKey, MESSAGE)
const ZERO = Buffer.alloc(1)
const toBigInt = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const N = toBigInt(Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url'))
const bytes = (value: bigint, length = 256) => Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex')

describe('signRsa', () => {
  it('returns the only valid signature of a message, in full length', async () => {
    expect(GOOD).toHaveLength(256)
    expect(Buffer.from(GOOD)).toEqual(cryptoSign('sha256', MESSAGE, privateKey))
    expect(verifyRsa(publicKey, MESSAGE, GOOD)).toBe(true)
  })

  it('does not block the event loop', async () => {
    let signed = 0
    const all = Array.from({ length: 200 }, async () => {
      await signRsa(privateKey, MESSAGE)
      signed++
    })
    await setImmediate()
    expect(signed).toBeLessThan(200)
    await Promise.all(all)
  })

  it('rejects for a key that cannot sign RSA', async () => {
    const { privateKey: agreement } = generateKeyPairSync('x25519')
    await expect(signRsa(agreement, MESSAGE)).rejects.toThrow()
  })
})

describe('verifyRsa', () => {
  it.each(Object.entries(ENCODINGS))('accepts only the right encoding, not one with %s', (name, encode) => {
    const encoded = encode(TEXT)
    expect(encoded).toHaveLength(512)
    expect(verifyRsa(publicKey, MESSAGE, signEncoded(privateKey, encoded))).toBe(name === 'the right one')
  })

  it('refuses the signature plus the modulus, in the same number of bytes', () => {
    for (let index = 0; ; index++) {
      const message = Buffer.from(`message ${index}`)
      const signature = cryptoSign('sha256', message, privateKey)
      const twin = toBigInt(signature) + N
      if (twin >= 2n ** 2048n) continue
      expect(verifyRsa(publicKey, message, signature)).toBe(true)
      expect(verifyRsa(publicKey, message, bytes(twin))).toBe(false)
      return
    }
  })

  it('refuses a signature whose leading zero is left out', () => {
    for (let index = 0; ; index++) {
      const message = Buffer.from(`message ${index}`)
      const signature = cryptoSign('sha256', message, privateKey)
      if (signature[0] !== 0) continue
      expect(verifyRsa(publicKey, message, signature)).toBe(true)
      expect(verifyRsa(publicKey, message, signature.subarray(1))).toBe(false)
      return
    }
  })

  it.each([
    ['a zero in front', Buffer.concat([ZERO, GOOD])],
    ['a zero at the end', Buffer.concat([GOOD, ZERO])],
    ['the modulus plus the signature, one byte longer', bytes(toBigInt(GOOD) + N, 257)],
    ['the modulus minus the signature', bytes(N - toBigInt(GOOD))],
    ['nothing', Buffer.alloc(0)],
    ['255 bytes', GOOD.subarray(0, 255)],
    ['all zero', Buffer.alloc(256)],
    ['1', bytes(1n)],
    ['the modulus', bytes(N)],
    ['the modulus minus 1', bytes(N - 1n)],
    ['the modulus plus 1', bytes(N + 1n)],
    ['all bits set', Buffer.alloc(256, 0xff)],
    ['PSS', cryptoSign('sha256', MESSAGE, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })],
    ['another hash', cryptoSign('sha512', MESSAGE, privateKey)],
    ['another key', cryptoSign('sha256', MESSAGE, other.privateKey)],
  ])('refuses %s', (_name, signature) => {
    expect(verifyRsa(publicKey, MESSAGE, signature)).toBe(false)
  })

  it('refuses another message and another key', () => {
    expect(verifyRsa(publicKey, Buffer.from('massage'), GOOD)).toBe(false)
    expect(verifyRsa(other.publicKey, MESSAGE, GOOD)).toBe(false)
  })
})
