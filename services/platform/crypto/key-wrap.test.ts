import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { kekId, unwrapKey, wrapKey } from './key-wrap.ts'

const KEK = createSecretKey(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))
const RECORD = { purpose: 'signing-key', id: 'kid-1' }
const SECRET = Buffer.from('thirty-two bytes of secret seed.')

describe('wrapKey and unwrapKey', () => {
  it.each([
    ['a seed', SECRET],
    ['nothing', Buffer.alloc(0)],
    ['a megabyte', randomBytes(1 << 20)],
  ])('restore %s', (_name, secret) => {
    expect(unwrapKey(KEK, wrapKey(KEK, secret, RECORD), RECORD)?.equals(secret)).toBe(true)
  })

  it('accept the KEK as a loaded key or as bytes', () => {
    const envelope = wrapKey(KEK.export(), SECRET, RECORD)
    expect(unwrapKey(KEK, envelope, RECORD)?.equals(SECRET)).toBe(true)
  })

  it('have the documented layout and hide the secret', () => {
    const envelope = wrapKey(KEK, SECRET, RECORD)
    expect(envelope[0]).toBe(1)
    expect(envelope).toHaveLength(1 + 60 + 28 + SECRET.length)
    expect(envelope.includes(SECRET)).toBe(false)
  })

  it('use a new data key and new nonces each time', () => {
    const drawn: string[] = []
    const random = (size: number) => {
      const bytes = randomBytes(size)
      drawn.push(bytes.toString('hex'))
      return bytes
    }
    const [one, two] = [wrapKey(KEK, SECRET, RECORD, random), wrapKey(KEK, SECRET, RECORD, random)]
    expect(drawn.map((bytes) => bytes.length / 2)).toEqual([32, 12, 12, 32, 12, 12])
    expect(new Set(drawn).size).toBe(6)
    expect(one.equals(two)).toBe(false)
  })

  it('overwrite the data key after use', () => {
    const drawn: Uint8Array[] = []
    wrapKey(KEK, SECRET, RECORD, (size) => {
      const bytes = randomBytes(size)
      drawn.push(bytes)
      return bytes
    })
    expect(drawn[0]?.every((byte) => byte === 0)).toBe(true)
  })

  it.each([
    ['another purpose', { ...RECORD, purpose: 'challenge-mac' }],
    ['another id', { ...RECORD, id: 'kid-2' }],
    ['a purpose and an id with a shifted boundary', { purpose: 'signing-keyk', id: 'id-1' }],
  ])('refuse %s', (_name, record) => {
    expect(unwrapKey(KEK, wrapKey(KEK, SECRET, RECORD), record)).toBeUndefined()
  })

  it('refuse another KEK', () => {
    expect(unwrapKey(randomBytes(32), wrapKey(KEK, SECRET, RECORD), RECORD)).toBeUndefined()
  })

  it('refuse a changed bit in any byte', () => {
    const envelope = wrapKey(KEK, SECRET, RECORD)
    for (let index = 0; index < envelope.length; index += 1) {
      const altered = Buffer.from(envelope)
      altered.writeUInt8(altered.readUInt8(index) ^ 1, index)
      expect(unwrapKey(KEK, altered, RECORD), `byte ${index}`).toBeUndefined()
    }
  })

  it('refuse every shorter envelope and a longer one', () => {
    const envelope = wrapKey(KEK, SECRET, RECORD)
    for (let length = 0; length < envelope.length; length += 1) {
      expect(unwrapKey(KEK, envelope.subarray(0, length), RECORD), `${length} bytes`).toBeUndefined()
    }
    expect(unwrapKey(KEK, Buffer.concat([envelope, Buffer.alloc(1)]), RECORD)).toBeUndefined()
  })

  it('refuse the data key of another envelope of the same record', () => {
    const [one, two] = [wrapKey(KEK, SECRET, RECORD), wrapKey(KEK, SECRET, RECORD)]
    expect(unwrapKey(KEK, Buffer.concat([one.subarray(0, 61), two.subarray(61)]), RECORD)).toBeUndefined()
  })

  it.each([
    ['16 bytes', new Uint8Array(16)],
    ['31 bytes', new Uint8Array(31)],
    ['33 bytes', new Uint8Array(33)],
    ['24 bytes, loaded', createSecretKey(new Uint8Array(24))],
  ])('throw for a KEK of %s', (_name, kek) => {
    expect(() => wrapKey(kek, SECRET, RECORD)).toThrow(RangeError)
    expect(() => unwrapKey(kek, wrapKey(KEK, SECRET, RECORD), RECORD)).toThrow(RangeError)
    expect(() => kekId(kek)).toThrow(RangeError)
  })
})

describe('kekId', () => {
  it('returns the start of an HMAC that was computed independently', () => {
    expect(kekId(KEK)).toBe('0fbf90ce7f52c88f')
    expect(kekId(KEK.export())).toBe('0fbf90ce7f52c88f')
  })

  it('returns different names for different keys', () => {
    expect(kekId(randomBytes(32))).not.toBe(kekId(KEK))
  })
})
