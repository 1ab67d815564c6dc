import { generatePrimeSync } from 'node:crypto'

const E = 65537n

/** Returns the number in a member of a JWK (RFC 7518 section 2). */
export function numberOf(member: string): bigint {
  return BigInt(`0x${Buffer.from(member, 'base64url').toString('hex')}`)
}

/** Encodes a number as a member of a JWK. */
export function memberOf(number: bigint): string {
  const hex = number.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

/** Creates an RSA key as a JWK. Its numbers satisfy every condition of RFC 8017, except that `p` is not prime. */
export function rsaWithoutPrime(): Readonly<Record<string, string>> {
  const [r, s, q] = [newPrime(), newPrime(), newPrime()]
  const p = r * s
  if (p % E === 1n) return rsaWithoutPrime()
  const d = inverse(E, (p - 1n) * (q - 1n))
  const numbers = { n: p * q, e: E, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  return { kty: 'RSA', ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, memberOf(value)])) }
}

/** Generates a prime whose predecessor has no factor in common with the exponent. */
function newPrime(): bigint {
  const prime = generatePrimeSync(683, { bigint: true })
  return prime % E === 1n ? newPrime() : prime
}

/** Returns the inverse of a value that has no factor in common with the modulus. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [previous, current, coefficient, next] = [modulus, value % modulus, 0n, 1n]
  while (current !== 0n) {
    const quotient = previous / current
    ;[previous, current] = [current, previous % current]
    ;[coefficient, next] = [next, coefficient - quotient * next]
  }
  return ((coefficient % modulus) + modulus) % modulus
}
