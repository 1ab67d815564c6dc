import { createSecretKey } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { kekId, unwrapKey, wrapKey } from '../platform/crypto/key-wrap.ts'
import { createKeyVault, WrongKeyError } from './key-vault.ts'

const kek = (byte: number) => Buffer.alloc(32, byte)
const [OLD, NEW, FOREIGN] = [kek(1), kek(2), kek(3)]
const SECRET = Buffer.from('thirty-two bytes of secret seed.')
const RECORD = { purpose: 'access_token', id: 'a-kid' }

/** What was sealed under a key, as a row keeps it. */
const sealedUnder = (key: Uint8Array) => ({ wrapped: wrapKey(key, SECRET, RECORD), kekId: kekId(key) })

describe('a vault', () => {
  it('seals under the first key alone, and says which that is', () => {
    const vault = createKeyVault(NEW, [OLD])
    const sealed = vault.seal(SECRET, RECORD)
    expect(sealed.kekId).toBe(kekId(NEW))
    expect(vault.kekId).toBe(kekId(NEW))
    expect(unwrapKey(NEW, sealed.wrapped, RECORD)).toEqual(SECRET)
  })

  it.each([
    ['the one that seals', NEW],
    ['the first of the others', OLD],
    ['the last of the others', kek(9)],
  ])('opens what is sealed under %s', (_name, key) => {
    const { wrapped, kekId: id } = sealedUnder(key)
    expect(createKeyVault(NEW, [OLD, kek(9)]).open(wrapped, id, RECORD)).toEqual(SECRET)
  })

  it('takes a key twice, and keys that are loaded', () => {
    const vault = createKeyVault(createSecretKey(NEW), [NEW, createSecretKey(OLD), OLD])
    for (const key of [NEW, OLD])
      expect(vault.open(sealedUnder(key).wrapped, kekId(key), RECORD), key.toString('hex')).toEqual(SECRET)
    expect(vault.seal(SECRET, RECORD).kekId).toBe(kekId(NEW))
  })

  it.each([
    ['under a key that is not configured', sealedUnder(FOREIGN).wrapped, kekId(FOREIGN)],
    ['under a key that the row does not name', sealedUnder(NEW).wrapped, null],
  ])('refuses what is sealed %s, and names the ids of those that are', (_name, wrapped, id) => {
    const open = () => createKeyVault(NEW, [OLD]).open(wrapped, id, RECORD)
    expect(open).toThrow(WrongKeyError)
    expect(open).toThrow(
      `Key a-kid in this database is sealed under the key-encryption key ${id ?? '(none)'}, but the configured ones are ${kekId(NEW)}, ${kekId(OLD)}.`,
    )
  })

  it.each([
    ['says that it is sealed under another configured key', sealedUnder(OLD).wrapped, RECORD],
    ['says so of a key that is not configured', sealedUnder(FOREIGN).wrapped, RECORD],
    ['is of another id', sealedUnder(NEW).wrapped, { ...RECORD, id: 'another' }],
    ['is of another purpose', sealedUnder(NEW).wrapped, { ...RECORD, purpose: 'challenge' }],
    ['is cut', sealedUnder(NEW).wrapped.subarray(0, -1), RECORD],
  ])('refuses a row that %s', (_name, wrapped, record) => {
    const open = () => createKeyVault(NEW, [OLD]).open(wrapped, kekId(NEW), record)
    expect(open).toThrow(WrongKeyError)
    expect(open).toThrow(`The sealed key ${record.id} is damaged, or was moved from another row.`)
  })

  it.each([
    ['the one that seals', () => createKeyVault(new Uint8Array(31))],
    ['one of the others', () => createKeyVault(NEW, [OLD, new Uint8Array(33)])],
  ])('refuses a key of another length as %s', (_name, make) => {
    expect(make).toThrow(RangeError)
  })
})

describe('reseal', () => {
  it('seals under the first key what is sealed under another, under a data key of its own, and wipes what it saw', () => {
    const vault = createKeyVault(NEW, [OLD])
    const open = vi.spyOn(vault, 'open')
    const { wrapped, kekId: id } = sealedUnder(OLD)
    const sealed = vault.reseal(wrapped, id, RECORD)
    expect(sealed.kekId).toBe(kekId(NEW))
    expect(unwrapKey(NEW, sealed.wrapped, RECORD)).toEqual(SECRET)
    expect(Buffer.from(sealed.wrapped.slice(61)).equals(wrapped.subarray(61))).toBe(false)
    expect(open.mock.results).toEqual([{ type: 'return', value: Buffer.alloc(SECRET.length) }])
  })

  it('refuses what it cannot open', () => {
    const { wrapped, kekId: id } = sealedUnder(FOREIGN)
    expect(() => createKeyVault(NEW, [OLD]).reseal(wrapped, id, RECORD)).toThrow(WrongKeyError)
  })
})
