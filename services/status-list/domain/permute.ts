import type { KeyObject } from 'node:crypto'
import { createHmac } from 'node:crypto'

const HALF_BITS = 10
const HALF_MASK = (1 << HALF_BITS) - 1
/** More rounds than a small domain needs, because each holder of a token sees one index only. */
const ROUNDS = 10

/**
 * Returns the index of a place in a status list: a permutation of the numbers below 2^20 under the key of the list.
 * Without the key, an index says nothing about when, where or to whom a token was issued.
 *
 * It is a balanced Feistel network with HMAC-SHA256 as its round function.
 */
export function permute(key: KeyObject, place: number): number {
  if (!Number.isInteger(place) || place < 0 || place >= 1 << (2 * HALF_BITS)) throw new RangeError('No such place')
  let [left, right] = [place >>> HALF_BITS, place & HALF_MASK]
  for (let round = 0; round < ROUNDS; round += 1) {
    ;[left, right] = [right, left ^ (roundValue(key, round, right) & HALF_MASK)]
  }
  return (left << HALF_BITS) | right
}

function roundValue(key: KeyObject, round: number, half: number): number {
  return createHmac('sha256', key)
    .update(Uint8Array.of(round, half >>> 8, half & 0xff))
    .digest()
    .readUInt16BE(0)
}
