import { hash, timingSafeEqual } from 'node:crypto'

/** A loaded HMAC-SHA256 key; printing it shows no secret. */
export interface HmacKey {
  /** The MAC over the parts as one message. */
  readonly mac: (parts: readonly Uint8Array[]) => Buffer
}

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32

/**
 * Loads HMAC key bytes, 64 at most. A MAC is two hashes over a buffer each (RFC 2104 section 2): the object that createHmac makes
 * for every message costs more than they do, and leaves more to the garbage collector.
 *
 * @throws RangeError for a longer key
 */
export function importHmacKey(bytes: Uint8Array): HmacKey {
  if (bytes.length > BLOCK_BYTES) throw new RangeError(`an HMAC key has at most ${BLOCK_BYTES} bytes here`)
  const inner = padded(bytes, 0x36)
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES)
  outer.set(padded(bytes, 0x5c))
  return {
    mac(parts) {
      outer.write(sha256(Buffer.concat([inner, ...parts])), BLOCK_BYTES, 'latin1')
      return Buffer.from(sha256(outer), 'latin1')
    },
  }
}

/** HMAC-SHA256 (RFC 2104) of a message, which may come in parts. Returns 32 bytes. */
export function hmacSha256(key: HmacKey, ...parts: readonly Uint8Array[]): Buffer {
  return key.mac(parts)
}

/** Whether `mac` is the whole HMAC-SHA256 of the message, in time that does not depend on where it differs. */
export function verifyHmacSha256(key: HmacKey, mac: Uint8Array, ...parts: readonly Uint8Array[]): boolean {
  const expected = key.mac(parts)
  return mac.length === expected.length && timingSafeEqual(expected, mac)
}

function padded(bytes: Uint8Array, pad: number): Uint8Array {
  return Uint8Array.from({ length: BLOCK_BYTES }, (_, index) => (bytes[index] ?? 0) ^ pad)
}

/** A character for each byte: a digest as a buffer takes Node longer to make than the digest. */
function sha256(message: Uint8Array): string {
  return hash('sha256', message, 'binary')
}
