import { createHash, hash } from 'node:crypto'
import { hashes, verify as lenientVerify } from '@noble/ed25519'
import { describe, expect, it } from 'vitest'
import {
  admitPublicKey,
  generateKeyPair,
  importPublicKey,
  importSeed,
  sign,
  type VerifyingKey,
  verify,
} from './ed25519.ts'

/** RFC 8032 section 7.1, test 1. */
const SEED = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
const RAW_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
const SIGNATURE =
  'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'
const MESSAGE = Buffer.from('message')
const L = 2n ** 252n + 27742317777372353535851937790883648493n

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const fromHex = (text: string) => Buffer.from(text, 'hex')
const toScalar = (bytes: Uint8Array) => BigInt(`0x${hex(Uint8Array.from(bytes).toReversed())}`)
const fromScalar = (scalar: bigint) => fromHex(scalar.toString(16).padStart(64, '0')).toReversed()

function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('unexpectedly undefined')
  return value
}

const rfcKey = (): VerifyingKey => defined(importPublicKey(fromHex(RAW_KEY)))

describe('admitPublicKey', () => {
  it('admits a canonical key of prime order and copies it', () => {
    const bytes = fromHex(RAW_KEY)
    const admitted = admitPublicKey(bytes)
    bytes.fill(0)
    expect(admitted.ok && hex(admitted.raw)).toBe(RAW_KEY)
  })

  it.each([
    ['empty', '', 'length'],
    ['31 bytes', RAW_KEY.slice(2), 'length'],
    ['33 bytes', `${RAW_KEY}00`, 'length'],
    ['y that is on no point', '0200000000000000000000000000000000000000000000000000000000000000', 'not-on-curve'],
    ['y = p, that is 0', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'non-canonical'],
    ['y = p + 1, that is 1', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'non-canonical'],
    ['y = 2^255 - 1, that is 18', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'non-canonical'],
    ['x = 0 with its sign set, y = 1', `01${'00'.repeat(30)}80`, 'non-canonical'],
    ['x = 0 with its sign set, y = -1', `ec${'ff'.repeat(31)}`, 'non-canonical'],
    ['order 1', `01${'00'.repeat(31)}`, 'small-order'],
    ['order 2', `ec${'ff'.repeat(30)}7f`, 'small-order'],
    ['order 4, all zero', '00'.repeat(32), 'small-order'],
    ['order 4, other sign', `${'00'.repeat(31)}80`, 'small-order'],
    ['order 8', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'small-order'],
    ['order 8, other sign', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', 'small-order'],
    ['order 8, other y', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'small-order'],
    ['order 8, other y and sign', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', 'small-order'],
    ['order 8 L', 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43', 'mixed-order'],
    ['another torsion component', 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d', 'mixed-order'],
  ])('refuses %s', (_name, key, why) => {
    expect(admitPublicKey(fromHex(key))).toEqual({ ok: false, why })
  })
})

describe('importing keys', () => {
  it.each([
    ['empty', 0],
    ['31 bytes', 31],
    ['33 bytes', 33],
  ])('refuses %s as public key and as seed', (_name, length) => {
    expect(importPublicKey(new Uint8Array(length))).toBeUndefined()
    expect(importSeed(new Uint8Array(length))).toBeUndefined()
  })

  it('derives the public key of RFC 8032 from its seed', () => {
    const pair = defined(importSeed(SEED))
    expect(hex(pair.publicKey)).toBe(RAW_KEY)
    expect(hex(pair.seed)).toBe(hex(SEED))
  })

  it('generates different pairs that pass admitPublicKey and sign', () => {
    const [one, two] = [generateKeyPair(), generateKeyPair()]
    expect(hex(one.publicKey)).not.toBe(hex(two.publicKey))
    expect(admitPublicKey(one.publicKey).ok).toBe(true)
    expect(verify(defined(importPublicKey(one.publicKey)), MESSAGE, sign(one.privateKey, MESSAGE))).toBe(true)
  })

  it("generates a pair from the caller's random bytes and throws for too few", () => {
    expect(hex(generateKeyPair(() => SEED).publicKey)).toBe(RAW_KEY)
    expect(() => generateKeyPair(() => SEED.subarray(1))).toThrow(RangeError)
  })
})

describe('sign and verify', () => {
  it('return the signature of RFC 8032', () => {
    expect(hex(sign(defined(importSeed(SEED)).privateKey, new Uint8Array()))).toBe(SIGNATURE)
    expect(verify(rfcKey(), new Uint8Array(), fromHex(SIGNATURE))).toBe(true)
  })

  it.each([
    ['empty', new Uint8Array()],
    ['63 bytes', fromHex(SIGNATURE).subarray(0, 63)],
    ['65 bytes', Buffer.concat([fromHex(SIGNATURE), Buffer.alloc(1)])],
    ['all zero', Buffer.alloc(64)],
    ['S + L', withS(SIGNATURE, (s) => s + L)],
    ['S = L', withS(SIGNATURE, () => L)],
    ['bit flipped in R', fromHex(SIGNATURE.replace('e5', 'e4'))],
  ])('refuse a signature: %s', (_name, signature) => {
    expect(verify(rfcKey(), new Uint8Array(), signature)).toBe(false)
  })

  it('refuse another message and another key', () => {
    expect(verify(rfcKey(), MESSAGE, fromHex(SIGNATURE))).toBe(false)
    const other = defined(importPublicKey(generateKeyPair().publicKey))
    expect(verify(other, new Uint8Array(), fromHex(SIGNATURE))).toBe(false)
  })

  it('refuse the identity as R, even if the equation holds', () => {
    const signature = signWithIdentityNonce(SEED, fromHex(RAW_KEY), MESSAGE)
    hashes.sha512 = (message) => Uint8Array.from(createHash('sha512').update(message).digest())
    expect(lenientVerify(signature, MESSAGE, fromHex(RAW_KEY))).toBe(true)
    expect(verify(rfcKey(), MESSAGE, signature)).toBe(false)
  })
})

function withS(signature: string, change: (s: bigint) => bigint): Buffer {
  const bytes = fromHex(signature)
  return Buffer.concat([bytes.subarray(0, 32), fromScalar(change(toScalar(bytes.subarray(32))))])
}

/** Signs as RFC 8032 section 5.1.6 does, but with r = 0. Only the holder of the key can do that. */
function signWithIdentityNonce(seed: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Buffer {
  const clamped = fromHex(hash('sha512', seed, 'hex')).subarray(0, 32)
  clamped.writeUInt8(clamped.readUInt8(0) & 248, 0)
  clamped.writeUInt8((clamped.readUInt8(31) & 127) | 64, 31)
  const r = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)])
  const h = toScalar(fromHex(hash('sha512', Buffer.concat([r, publicKey, message]), 'hex')))
  return Buffer.concat([r, fromScalar((h * toScalar(clamped)) % L)])
}
