import { bytesToHex } from '@noble/hashes/utils.js'
import { decodeBase64url } from '../encoding/base64.ts'

/** The field of P-256, and the constant b of y² = x³ - 3x + b (SEC 2 section 2.4.2). */
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
const FIELD_BYTES = 32

/**
 * Tells whether two coordinates in base64url are a point of P-256. It runs on every platform, unlike `importP256`. The
 * group of P-256 has prime order, so there are no points of small order.
 *
 * @example
 * ```ts
 * import { isP256Point } from '@auth4agent/core/keys/p256-point'
 *
 * const isKey = jwk.kty === 'EC' && isP256Point(jwk.x, jwk.y)
 * ```
 */
export function isP256Point(x: string, y: string): boolean {
  const [first, second] = [coordinate(x), coordinate(y)]
  if (first === undefined || second === undefined) return false
  return (second * second - first * first * first + 3n * first - B) % P === 0n
}

function coordinate(text: string): bigint | undefined {
  const bytes = decodeBase64url(text)
  if (bytes?.length !== FIELD_BYTES) return undefined
  const value = BigInt(`0x${bytesToHex(bytes)}`)
  return value < P ? value : undefined
}
