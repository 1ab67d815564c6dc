import { describe, expect, it } from 'vitest'
import { operatorId } from '../identity/operator-id.ts'
import { formatUuid, isUuid, uuidv7, uuidv8FromHash } from './uuid.ts'

const ONES = new Uint8Array(10).fill(0xff)

describe('uuidv7', () => {
  it('returns the example of RFC 9562 appendix A.6', () => {
    const random = Buffer.from('0cc318c4dc0c0c07398f', 'hex')
    expect(uuidv7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
  })

  it.each([
    ['first moment, no random bit', 0, new Uint8Array(10), '00000000-0000-7000-8000-000000000000'],
    ['last moment, every random bit', 2 ** 48 - 1, ONES, 'ffffffff-ffff-7fff-bfff-ffffffffffff'],
  ])('sets version and variant: %s', (_name, nowMs, random, uuid) => {
    expect(uuidv7(nowMs, random)).toBe(uuid)
  })

  it("does not change the caller's random bytes", () => {
    uuidv7(1, ONES)
    expect(ONES.every((byte) => byte === 0xff)).toBe(true)
  })

  it.each([
    ['negative time', -1, ONES],
    ['time beyond 48 bits', 2 ** 48, ONES],
    ['fraction of a millisecond', 1.5, ONES],
    ['time that is not a number', Number.NaN, ONES],
    ['too few random bytes', 1, ONES.subarray(1)],
    ['too many random bytes', 1, new Uint8Array(11)],
  ])('throws for %s', (_name, nowMs, random) => {
    expect(() => uuidv7(nowMs, random)).toThrow(RangeError)
  })
})

describe('uuidv8FromHash', () => {
  it('sets version and variant and does not change the digest', () => {
    const digest = new Uint8Array(32).fill(0xff)
    expect(uuidv8FromHash(digest)).toBe('ffffffff-ffff-8fff-bfff-ffffffffffff')
    expect(uuidv8FromHash(new Uint8Array(32))).toBe('00000000-0000-8000-8000-000000000000')
    expect(digest.every((byte) => byte === 0xff)).toBe(true)
  })

  it('throws for a digest of another length than 32 bytes', () => {
    expect(() => uuidv8FromHash(new Uint8Array(16))).toThrow(RangeError)
  })
})

describe('isUuid', () => {
  it.each([
    ['version 7', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f', true],
    ['version 8', '00000000-0000-8000-8000-000000000000', true],
    ['upper case', '017F22E2-79B0-7CC3-98C4-DC0C0C07398F', false],
    ['no hyphens', '017f22e279b07cc398c4dc0c0c07398f', false],
    ['braces', '{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}', false],
    ['URN', 'urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f', false],
    ['trailing newline', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n', false],
    ['one character too few', '017f22e2-79b0-7cc3-98c4-dc0c0c07398', false],
    ['no hex', '017f22e2-79b0-7cc3-98c4-dc0c0c07398g', false],
    ['empty', '', false],
  ])('decides whether a text is a UUID: %s', (_name, text, valid) => {
    expect(isUuid(text)).toBe(valid)
  })
})

describe('formatUuid', () => {
  it('writes the bytes unchanged and ignores their version', () => {
    const bytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
    expect(formatUuid(bytes)).toBe('00112233-4455-6677-8899-aabbccddeeff')
    expect(bytes.toString('hex')).toBe('00112233445566778899aabbccddeeff')
  })

  it.each([15, 17])('refuses %i bytes', (size) => {
    expect(() => formatUuid(new Uint8Array(size))).toThrow(RangeError)
  })
})

describe('operatorId', () => {
  const identity = {
    issuer: 'https://auth.example.com',
    domain: 'example.org',
    thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  }

  it('returns the UUIDv8 of the SHA-256 of the JSON array, as an independent program computed it', () => {
    expect(operatorId(identity)).toBe('d23fa717-859a-8440-930f-f9500744eae2')
  })

  it.each([
    ['issuer', { issuer: 'https://auth.example.net' }],
    ['domain', { domain: 'example.net' }],
    ['thumbprint', { thumbprint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4l' }],
  ])('returns another id for another %s', (_name, change) => {
    expect(operatorId({ ...identity, ...change })).not.toBe(operatorId(identity))
  })

  it.each([
    ['plain', { issuer: 'ab', domain: 'c' }, { issuer: 'a', domain: 'bc' }],
    ['with the separator of the encoding', { issuer: 'a","b', domain: 'c' }, { issuer: 'a', domain: 'b","c' }],
  ])('returns different ids if characters move between members: %s', (_name, one, other) => {
    expect(operatorId({ ...identity, ...one })).not.toBe(operatorId({ ...identity, ...other }))
  })
})
