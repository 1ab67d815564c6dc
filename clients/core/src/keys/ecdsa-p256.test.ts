import { sign as cryptoSign, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { importP256, signP256, toLowS, verifyP256, verifyP256AnyS } from './ecdsa-p256.ts'

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const MESSAGE = Buffer.from('message')
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const toBigInt = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const field = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')
const raw = (key: typeof privateKey, hash = 'sha256') =>
  cryptoSign(hash, MESSAGE, { key, dsaEncoding: 'ieee-p1363' as const })
const GOOD = signP256(privateKey, MESSAGE)
const [r, s] = [toBigInt(GOOD.subarray(0, 32)), toBigInt(GOOD.subarray(32))]
const of = (newR: bigint, newS: bigint) => Buffer.concat([field(newR), field(newS)])

describe('signP256', () => {
  it('always returns the lower S', () => {
    for (let index = 0; index < 50; index++) {
      const message = Buffer.from(`message ${index}`)
      const signature = signP256(privateKey, message)
      expect(toBigInt(signature.subarray(32)) <= ORDER / 2n).toBe(true)
      expect(verifyP256(publicKey, message, signature)).toBe(true)
    }
  })
})

describe('verifyP256', () => {
  it('accepts a low S, and the highest low S is half the order', () => {
    expect(verifyP256(publicKey, MESSAGE, of(r, s))).toBe(true)
    // toLowS does not change a low S. It replaces a higher S by the order minus S.
    expect(toLowS(of(r, ORDER / 2n))).toEqual(of(r, ORDER / 2n))
    expect(toLowS(of(r, ORDER / 2n + 1n))).toEqual(of(r, ORDER / 2n))
  })

  it('refuses the higher S', () => {
    expect(verifyP256(publicKey, MESSAGE, of(r, ORDER - s))).toBe(false)
  })

  it('refuses another message and another key', () => {
    expect(verifyP256(publicKey, Buffer.from('massage'), GOOD)).toBe(false)
    expect(verifyP256(other.publicKey, MESSAGE, GOOD)).toBe(false)
  })
})

describe('verifyP256AnyS', () => {
  it('accepts both values of S', () => {
    expect(verifyP256AnyS(publicKey, MESSAGE, of(r, s))).toBe(true)
    expect(verifyP256AnyS(publicKey, MESSAGE, of(r, ORDER - s))).toBe(true)
    for (let index = 0; index < 20; index += 1) expect(verifyP256AnyS(publicKey, MESSAGE, raw(privateKey))).toBe(true)
  })

  it('refuses another message and another key', () => {
    expect(verifyP256AnyS(publicKey, Buffer.from('massage'), GOOD)).toBe(false)
    expect(verifyP256AnyS(other.publicKey, MESSAGE, GOOD)).toBe(false)
  })
})

describe('verifyP256 and verifyP256AnyS', () => {
  it.each([
    ['R = 0', of(0n, s)],
    ['S = 0', of(r, 0n)],
    ['R = S = 0', of(0n, 0n)],
    ['R = the order', of(ORDER, s)],
    ['S = the order', of(r, ORDER)],
    ['R = the order + 1, S = 1', of(ORDER + 1n, 1n)],
    ['R = p', of(P, s)],
    ['R = S = 1', of(1n, 1n)],
    ['all bits set', Buffer.alloc(64, 0xff)],
    ['the order minus R', of(ORDER - r, s)],
    ['R and S exchanged', of(s, r)],
    ['DER', cryptoSign('sha256', MESSAGE, privateKey)],
    ['nothing', Buffer.alloc(0)],
    ['32 bytes', GOOD.subarray(0, 32)],
    ['63 bytes', GOOD.subarray(0, 63)],
    ['the first byte left out', GOOD.subarray(1)],
    ['a zero at the end', Buffer.concat([GOOD, Buffer.alloc(1)])],
    ['a zero in front', Buffer.concat([Buffer.alloc(1), GOOD])],
    ['a zero in front of each', Buffer.concat([Buffer.alloc(1), field(r), Buffer.alloc(1), field(s)])],
    ['the signature twice', Buffer.concat([GOOD, GOOD])],
    ['another hash', toLowS(raw(privateKey, 'sha384'))],
    ['another key', toLowS(raw(other.privateKey))],
  ])('refuse %s', (_name, signature) => {
    expect(verifyP256(publicKey, MESSAGE, signature)).toBe(false)
    expect(verifyP256AnyS(publicKey, MESSAGE, signature)).toBe(false)
  })
})

describe('importP256', () => {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })

  it('imports a key that verifies', () => {
    const key = importP256({ kty: 'EC', crv: 'P-256', x, y })
    expect(key && verifyP256(key, MESSAGE, GOOD)).toBe(true)
  })

  it('returns undefined for a point that is not on the curve, and for another kind of key', () => {
    expect(importP256({ kty: 'EC', crv: 'P-256', x, y: x })).toBeUndefined()
    expect(importP256({ kty: 'OKP', crv: 'Ed25519', x })).toBeUndefined()
  })
})

describe('toLowS', () => {
  it('lowers a high S and does not change a low S', () => {
    expect(toLowS(of(r, ORDER - s))).toEqual(of(r, s))
    expect(toLowS(GOOD)).toBe(GOOD)
  })

  it.each([0, 63, 65])('throws for %i bytes', (length) => {
    expect(() => toLowS(new Uint8Array(length))).toThrow(RangeError)
  })
})
