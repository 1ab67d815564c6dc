import { createPublicKey, type KeyObject } from 'node:crypto'
import { type Json, must } from './naive-json.ts'

/** Field, order and d of edwards25519 (RFC 8032 section 5.1). */
const P = 2n ** 255n - 19n
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const D = mod(-121665n * power(121666n, P - 2n))

/** A point in projective coordinates: x = X / Z, y = Y / Z. */
type Point = readonly [x: bigint, y: bigint, z: bigint]
const NEUTRAL: Point = [0n, 1n, 1n]

function mod(value: bigint): bigint {
  return ((value % P) + P) % P
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let [square, rest] = [mod(base), exponent]; rest > 0n; [square, rest] = [mod(square * square), rest >> 1n]) {
    if (rest & 1n) result = mod(result * square)
  }
  return result
}

/** Adds two points by the complete formula of twisted Edwards curves with a = -1. */
function add([x1, y1, z1]: Point, [x2, y2, z2]: Point): Point {
  const z = mod(z1 * z2)
  const e = mod(D * x1 * x2 * y1 * y2)
  const [f, g] = [mod(z * z - e), mod(z * z + e)]
  return [mod(z * f * (x1 * y2 + y1 * x2)), mod(z * g * (y1 * y2 + x1 * x2)), mod(f * g)]
}

function multiply(point: Point, factor: bigint): Point {
  let result = NEUTRAL
  for (let [double, rest] = [point, factor]; rest > 0n; [double, rest] = [add(double, double), rest >> 1n]) {
    if (rest & 1n) result = add(result, double)
  }
  return result
}

const isNeutral = ([x, y, z]: Point) => x === 0n && y === z

/** Decodes a point (RFC 8032 section 5.1.3). Returns undefined if there is none, or for a second encoding. */
function decodePoint(bytes: Uint8Array): Point | undefined {
  const value = BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
  const [sign, y] = [value >> 255n, value & (2n ** 255n - 1n)]
  if (y >= P) return undefined
  const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)]
  const square = mod(u * power(v, P - 2n))
  const root = power(square, (P + 3n) / 8n)
  const x = [root, mod(root * power(2n, (P - 1n) / 4n))].find((each) => mod(each * each) === square)
  if (x === undefined || (x === 0n && sign === 1n)) return undefined
  return [(x & 1n) === sign ? x : P - x, y, 1n]
}

const known = new Map<string, KeyObject | undefined>()

/** Imports a public JWK of the right form. Throws Wrong if the point is of no use. */
export function importKey(jwk: Json): KeyObject {
  const name = JSON.stringify(jwk)
  if (!known.has(name)) known.set(name, isGoodPoint(jwk) ? importPoint(jwk) : undefined)
  const key = known.get(name)
  must(key)
  return key
}

function isGoodPoint(jwk: Json): boolean {
  if (jwk['kty'] !== 'OKP') return true
  const point = decodePoint(Buffer.from(String(jwk['x']), 'base64url'))
  return point !== undefined && !isNeutral(multiply(point, 8n)) && isNeutral(multiply(point, L))
}

/** OpenSSL refuses points that are not on P-256. */
function importPoint(jwk: Json): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}
