import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const DIGITS: ReadonlyMap<string, bigint> = new Map(Array.from(ALPHABET, (char, digit) => [char, BigInt(digit)]))
const BASE = 58n

// Conversion time grows with the square of the length, and nothing encoded here is longer than a key.
const MAX_LENGTH = 128

/** Encodes bytes as base58btc, without a multibase prefix. Meant for keys: time is quadratic in the length. */
export function encodeBase58(bytes: Uint8Array): string {
  const zeros = countLeading(bytes, 0)
  let digits = ''
  for (let rest = toBigInt(bytes); rest > 0n; rest /= BASE) digits = ALPHABET.charAt(Number(rest % BASE)) + digits
  return ALPHABET.charAt(0).repeat(zeros) + digits
}

/**
 * Decodes base58btc, without a multibase prefix. Every byte string has exactly one accepted text.
 *
 * @returns the bytes, or undefined for a character outside the alphabet or more than 128 characters.
 */
export function decodeBase58(text: string): Uint8Array | undefined {
  if (text.length > MAX_LENGTH) return undefined
  let value = 0n
  for (const char of text) {
    const digit = DIGITS.get(char)
    if (digit === undefined) return undefined
    value = value * BASE + digit
  }
  const zeros = countLeading(text, ALPHABET.charAt(0))
  return Uint8Array.of(...new Uint8Array(zeros), ...fromBigInt(value))
}

function countLeading<T>(items: ArrayLike<T>, item: T): number {
  let count = 0
  while (count < items.length && items[count] === item) count += 1
  return count
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x0${bytesToHex(bytes)}`)
}

function fromBigInt(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array()
  const hex = value.toString(16)
  return hexToBytes(hex.length % 2 === 0 ? hex : `0${hex}`)
}
