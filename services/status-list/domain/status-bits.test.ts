import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { compressBits, createBits, STATUS, setStatus, setStatuses } from './status-bits.ts'

const { invalid, suspended, valid } = STATUS
const numbers = (...indices: number[]) => {
  const bytes = Buffer.alloc(indices.length * 4)
  for (const [at, index] of indices.entries()) bytes.writeUInt32BE(index, at * 4)
  return bytes
}

test('createBits makes 256 KiB in which every place is valid or invalid', () => {
  expect(createBits(valid)).toEqual(Buffer.alloc(262_144, 0))
  expect(createBits(invalid)).toEqual(Buffer.alloc(262_144, 0x55))
})

// The second example of section 4.1: 3 bytes for 12 places, without the reserved status 3.
test('setStatus puts the lowest index into the lowest bits', () => {
  const bits = createBits(valid)
  for (const [index, status] of [invalid, suspended, valid, valid, valid, invalid, valid, invalid].entries()) {
    setStatus(bits, index, status)
  }
  setStatus(bits, 8, invalid)
  setStatus(bits, 9, suspended)
  expect(bits.subarray(0, 4).toString('hex')).toBe('09440900')
})

test('setStatus replaces a status and leaves its neighbours', () => {
  const bits = createBits(invalid)
  setStatus(bits, 1_048_574, valid)
  setStatus(bits, 1_048_573, suspended)
  expect(bits.at(-1)).toBe(0b01_00_10_01)
  expect(bits.subarray(0, -1)).toEqual(Buffer.alloc(262_143, 0x55))
})

test('setStatuses sets every index of its row', () => {
  const bits = createBits(valid)
  setStatuses(bits, numbers(0, 5, 1_048_575), suspended)
  expect([bits[0], bits[1], bits.at(-1)]).toEqual([0b10, 0b10_00, 0b10_00_00_00])
})

test('setStatus refuses an index behind the list', () => {
  expect(() => setStatus(createBits(valid), 1_048_576, invalid)).toThrow('No such index')
})

test('compressBits writes ZLIB as base64url', async () => {
  const bits = createBits(valid)
  setStatus(bits, 3, invalid)
  const text = await compressBits(bits)
  const bytes = Buffer.from(text, 'base64url')
  expect(bytes.toString('base64url')).toBe(text)
  // The header of ZLIB with the window of 32 KiB.
  expect(bytes[0]).toBe(0x78)
  expect(inflateSync(bytes)).toEqual(bits)
  expect(text.length).toBeLessThan(600)
})
