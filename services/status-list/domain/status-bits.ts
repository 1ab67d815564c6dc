import { promisify } from 'node:util'
import { constants, deflate } from 'node:zlib'

/** Number of places in a status list. */
export const STATUS_LIST_PLACES = 2 ** 20

/** Status types of Token Status List section 7.1. */
export const STATUS = { valid: 0, invalid: 1, suspended: 2 } as const
/** The value of one status. */
export type Status = (typeof STATUS)[keyof typeof STATUS]

/** Number of bits of a status. */
export const STATUS_BITS = 2
const BYTES = (STATUS_LIST_PLACES * STATUS_BITS) / 8
const deflated = promisify(deflate)

/** Creates the bits of a list in which every place has the same status. They take 256 KiB. */
export function createBits(status: Status): Buffer {
  return Buffer.alloc(BYTES, status * 0b01_01_01_01)
}

/** Sets the status of one place. The lowest bits of a byte belong to the place with the lowest index. */
export function setStatus(bits: Buffer, index: number, status: Status): void {
  const at = index >>> 2
  const shift = (index & 3) * STATUS_BITS
  const byte = bits[at]
  if (byte === undefined) throw new RangeError('No such index')
  bits[at] = (byte & ~(3 << shift)) | (status << shift)
}

/** Returns the bits of one place. */
export function statusAt(bits: Buffer, index: number): number {
  return ((bits[index >>> 2] ?? 0) >>> ((index & 3) * STATUS_BITS)) & 3
}

/** Sets the status of places. `indices` is a row of 32-bit numbers in network order. */
export function setStatuses(bits: Buffer, indices: Buffer, status: Status): void {
  for (let at = 0; at < indices.length; at += 4) setStatus(bits, indices.readUInt32BE(at), status)
}

/** Returns `lst` of a status list: the bits as ZLIB (RFC 1950) and base64url (Token Status List section 4.1). */
export async function compressBits(bits: Buffer): Promise<string> {
  return (await deflated(bits, { level: constants.Z_BEST_COMPRESSION })).toString('base64url')
}
