import { createCipheriv } from 'node:crypto'

const HALF_BITS = 10
const HALVES = 1 << HALF_BITS
/** More rounds than a small domain needs, because each holder of a token sees one index only. */
const ROUNDS = 10
const CIPHER_BLOCK = 16

/**
 * Creates the permutation of the numbers below 2^20 that gives the places of a status list their indices. Without the
 * key of the list, 32 bytes, an index says nothing about when, where or to whom a token was issued.
 *
 * It is a balanced Feistel network. Its round function is AES-256 of the round and the half, computed at once for all.
 */
export function createPermutation(key: Uint8Array): (place: number) => number {
  const inputs = Buffer.alloc(ROUNDS * HALVES * CIPHER_BLOCK)
  for (let at = 0; at < ROUNDS * HALVES; at += 1) inputs.writeUInt32BE(at, at * CIPHER_BLOCK)
  const outputs = createCipheriv('aes-256-ecb', key, null).update(inputs)
  const values = Uint16Array.from({ length: ROUNDS * HALVES }, (_, at) => {
    return outputs.readUInt16BE(at * CIPHER_BLOCK) & (HALVES - 1)
  })
  return (place) => {
    if (!Number.isInteger(place) || place < 0 || place >= HALVES * HALVES) throw new RangeError('No such place')
    let [left, right] = [place >>> HALF_BITS, place & (HALVES - 1)]
    for (let round = 0; round < ROUNDS; round += 1) {
      ;[left, right] = [right, left ^ (values[round * HALVES + right] ?? 0)]
    }
    return (left << HALF_BITS) | right
  }
}
