import { bytesToHex } from '@noble/hashes/utils.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const UUID_BYTES = 16
const TIME_BYTES = 6
const RANDOM_BYTES = UUID_BYTES - TIME_BYTES

/**
 * UUIDv7 (RFC 9562 section 5.7) from Unix milliseconds and 10 random bytes, 74 bits of which remain.
 *
 * @throws RangeError when `nowMs` is no integer of 48 bits or there are not 10 random bytes: mistakes of the program.
 */
export function uuidv7(nowMs: number, random: Uint8Array): string {
  if (!Number.isInteger(nowMs)) throw new RangeError('a UUIDv7 needs whole milliseconds')
  if (random.length !== RANDOM_BYTES) throw new RangeError(`a UUIDv7 needs ${RANDOM_BYTES} random bytes`)
  const bytes = Buffer.alloc(UUID_BYTES)
  bytes.writeUIntBE(nowMs, 0, TIME_BYTES)
  bytes.set(random, TIME_BYTES)
  return formatUuid(stamp(bytes, 7))
}

/**
 * UUIDv8 (RFC 9562 section 5.8) of the first 16 bytes of a SHA-256 digest.
 *
 * @throws RangeError when the digest is not 32 bytes: a mistake of the program.
 */
export function uuidv8FromHash(sha256: Uint8Array): string {
  if (sha256.length !== 32) throw new RangeError('a SHA-256 digest has 32 bytes')
  return formatUuid(stamp(Uint8Array.from(sha256.subarray(0, UUID_BYTES)), 8))
}

/** Whether a text is a UUID as ids are written here: lower-case hex with hyphens, any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** Writes 16 bytes as a UUID (RFC 9562 section 4), whatever version they say. Throws RangeError for another number of bytes. */
export function formatUuid(bytes: Uint8Array): string {
  if (bytes.length !== UUID_BYTES) throw new RangeError(`a UUID has ${UUID_BYTES} bytes`)
  const hex = bytesToHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function stamp(bytes: Uint8Array, version: number): Uint8Array {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4)
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes
}
