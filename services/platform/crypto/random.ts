import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4_096

let pool = Buffer.alloc(0)

/**
 * Random bytes of the system's generator, fetched many at a time: fetching 16 costs as much as an HMAC. For nonces and ids, which are
 * told to others anyway; keys are made of bytes that were never beside any others.
 *
 * @param size at most 4096
 */
export function randomNonce(size: number): Buffer {
  if (pool.length < size) pool = randomFillSync(Buffer.allocUnsafeSlow(POOL_BYTES))
  const bytes = Buffer.from(pool.subarray(0, size))
  pool = pool.subarray(size)
  return bytes
}
