import { createSecretKey } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { kekId, unwrapKey, wrapKey } from '../platform/crypto/key-wrap.ts'
import { createKeyVault, WrongKeyError } from './key-vault.ts'

const kek = (byte: number) => Buffer.alloc(32, byte)
const [OLD, NEW, FOREIGN] = [kek(1), kek(2), kek(3)]
const SECRET = Buffer.from('thirty-two bytes of secret seed.')
const RECORD = { purpose: 'access_token', id: 'a-kid' }

/** A secret that is sealed under a KEK, as a row stores it. */
const sealedUnder = (key: Uint8Array) => ({ wrapped: wrapKey(key, SECRET, RECORD), kekId: kekId(key) })

describe('createKeyVault', () => {
  it('seals under the first KEK and returns its id', () => {
    const vault = createKeyVault(NEW, [OLD])
    const sealed = vault.seal(SECRET, RECORD)
    expect(sealed.kekId).toBe(kekId(NEW))
    expect(vault.kekId).toBe(kekId(NEW))
    expect(unwrapKey(NEW, sealed.wrapped, RECORD)).toEqual(SECRET)
  })

  it.each([
    ['the KEK that seals', NEW],
    ['the first other KEK', OLD],
    ['the last other KEK', kek(9)],
  ])('opens a secret that is sealed under %s', (_name, key) => {
    const { wrapped, kekId: id } = sealedUnder(key)
    expect(createKeyVault(NEW, [OLD, kek(9)]).open(wrapped, id, RECORD)).toEqual(SECRET)
  })

  it('accepts a KEK that is given twice, and KEKs that are KeyObjects', () => {
    const vault = createKeyVault(createSecretKey(NEW), [NEW, createSecretKey(OLD), OLD])
    for (const key of [NEW, OLD])
      expect(vault.open(sealedUnder(key).wrapped, kekId(key), RECORD), key.toString('hex')).toEqual(SECRET)
    expect(vault.seal(SECRET, RECORD).kekId).toBe(kekId(NEW))
  })

  it.each([
    ['under a KEK that is not configured', sealedUnder(FOREIGN).wrapped, kekId(FOREIGN)],
    ['under a KEK that the row does not name', sealedUnder(NEW).wrapped, null],
  ])('refuses a secret that is sealed %s, and names the configured KEKs', (_name, wrapped, id) => {
    const open = () => createKeyVault(NEW, [OLD]).open(wrapped, id, RECORD)
    expect(open).toThrow(WrongKeyError)
    expect(open).toThrow(
      `Key a-kid in this database is sealed under the key-encryption key ${id ?? '(none)'}, but the configured keys are ${kekId(NEW)}, ${kekId(OLD)}; set`,
    )
  })

  it.each([
    ['names the wrong one of two configured KEKs', sealedUnder(OLD).wrapped, RECORD],
    ['names a configured KEK but is sealed under an unknown one', sealedUnder(FOREIGN).wrapped, RECORD],
    ['has another id', sealedUnder(NEW).wrapped, { ...RECORD, id: 'another' }],
    ['has another purpose', sealedUnder(NEW).wrapped, { ...RECORD, purpose: 'challenge' }],
    ['is truncated', sealedUnder(NEW).wrapped.subarray(0, -1), RECORD],
  ])('refuses a row that %s', (_name, wrapped, record) => {
    const open = () => createKeyVault(NEW, [OLD]).open(wrapped, kekId(NEW), record)
    expect(open).toThrow(WrongKeyError)
    expect(open).toThrow(`The sealed key ${record.id} is damaged, or was moved from another row`)
  })

  it.each([
    ['the KEK that seals', () => createKeyVault(new Uint8Array(31))],
    ['another KEK', () => createKeyVault(NEW, [OLD, new Uint8Array(33)])],
  ])('refuses %s when it is not 32 bytes long', (_name, make) => {
    expect(make).toThrow(RangeError)
  })
})

describe('reseal', () => {
  it('seals a secret again under the first KEK and a new data key, and overwrites the opened secret', () => {
    const vault = createKeyVault(NEW, [OLD])
    const open = vi.spyOn(vault, 'open')
    const { wrapped, kekId: id } = sealedUnder(OLD)
    const sealed = vault.reseal(wrapped, id, RECORD)
    expect(sealed.kekId).toBe(kekId(NEW))
    expect(unwrapKey(NEW, sealed.wrapped, RECORD)).toEqual(SECRET)
    expect(Buffer.from(sealed.wrapped.slice(61)).equals(wrapped.subarray(61))).toBe(false)
    expect(open.mock.results).toEqual([{ type: 'return', value: Buffer.alloc(SECRET.length) }])
  })

  it('refuses a secret that it cannot open', () => {
    const { wrapped, kekId: id } = sealedUnder(FOREIGN)
    expect(() => createKeyVault(NEW, [OLD]).reseal(wrapped, id, RECORD)).toThrow(WrongKeyError)
  })
})
