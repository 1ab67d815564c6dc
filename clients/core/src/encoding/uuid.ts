import { bytesToHex } from '@noble/hashes/utils.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const UUID_BYTES = 16
const TIME_BYTES = 6
const RANDOM_BYTES = UUID_BYTES - TIME_BYTES

/**
 * Makes a UUIDv7 (RFC 9562 section 5.7) from Unix milliseconds and 10 random bytes. It uses 74 of the 80 random bits.
 *
 * @throws RangeError if `nowMs` is not a 48-bit integer or `random` does not have 10 bytes. Both are programming
 *   errors.
 * @example
 * ```ts
 * import { uuidv7 } from '@auth4agent/core/encoding/uuid'
 *
 * uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(10)))
 * ```
 */
export function uuidv7(nowMs: number, random: Uint8Array): string {
  if (!Number.isInteger(nowMs)) throw new RangeError('A UUIDv7 needs whole milliseconds')
  if (random.length !== RANDOM_BYTES) throw new RangeError(`A UUIDv7 needs ${RANDOM_BYTES} random bytes`)
  const bytes = Buffer.alloc(UUID_BYTES)
  bytes.writeUIntBE(nowMs, 0, TIME_BYTES)
  bytes.set(random, TIME_BYTES)
  return formatUuid(stamp(bytes, 7))
}

/**
 * Makes a UUIDv8 (RFC 9562 section 5.8) from the first 16 bytes of a SHA-256 digest.
 *
 * @throws RangeError if the digest does not have 32 bytes, which is a programming error.
 * @example
 * ```ts
 * import { uuidv8FromHash } from '@auth4agent/core/encoding/uuid'
 *
 * uuidv8FromHash(createHash('sha256').update('name').digest())
 * ```
 */
export function uuidv8FromHash(sha256: Uint8Array): string {
  if (sha256.length !== 32) throw new RangeError('A SHA-256 digest must have 32 bytes')
  return formatUuid(stamp(Uint8Array.from(sha256.subarray(0, UUID_BYTES)), 8))
}

/**
 * Tells whether a text is a UUID of any version, in lower-case hex with hyphens.
 *
 * @example
 * ```ts
 * import { isUuid } from '@auth4agent/core/encoding/uuid'
 *
 * isUuid('aaaaaaaa-1111-8111-8111-111111111111') // true
 * ```
 */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/**
 * Writes 16 bytes as a UUID (RFC 9562 section 4) and does not check the version.
 *
 * @throws RangeError for any other number of bytes.
 * @example
 * ```ts
 * import { formatUuid } from '@auth4agent/core/encoding/uuid'
 *
 * formatUuid(new Uint8Array(16)) // '00000000-0000-0000-0000-000000000000'
 * ```
 */
export function formatUuid(bytes: Uint8Array): string {
  if (bytes.length !== UUID_BYTES) throw new RangeError(`A UUID must have ${UUID_BYTES} bytes`)
  const hex = bytesToHex(bytes)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function stamp(bytes: Uint8Array, version: number): Uint8Array {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4)
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes
}
