import type { KeyObject } from 'node:crypto'
import { bits, integer, octets, oid, sequence } from './der.ts'

const PRIME_FIELD = '1.2.840.10045.1.1'
const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const P256 = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  a: 'ffffffff00000001000000000000000000000000fffffffffffffffffffffffc',
  b: '5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b',
  g: '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
} as const

const hex = (text: string) => octets(Buffer.from(text, 'hex'))

/** The SubjectPublicKeyInfo of a P-256 key whose curve is written as parameters (X9.62) instead of its name. */
export function withExplicitParameters(key: KeyObject): Buffer {
  const { p, a, b, g, n } = P256
  const field = sequence(oid(PRIME_FIELD), integer(p))
  const parameters = sequence(integer(1), field, sequence(hex(a), hex(b)), hex(g), integer(n), integer(1))
  return sequence(sequence(oid(EC_PUBLIC_KEY), parameters), bits(pointOf(key)))
}

/** The SubjectPublicKeyInfo of a P-256 key whose point is in the hybrid form of X9.62. */
export function withHybridPoint(key: KeyObject): Buffer {
  const point = pointOf(key)
  return spkiOf(Buffer.concat([Buffer.of(6 + ((point.at(-1) ?? 0) & 1)), point.subarray(1)]))
}

/** The SubjectPublicKeyInfo of a P-256 key whose point is compressed. */
export function withCompressedPoint(key: KeyObject): Buffer {
  const point = pointOf(key)
  return spkiOf(Buffer.concat([Buffer.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, 33)]))
}

function spkiOf(point: Buffer): Buffer {
  return sequence(sequence(oid(EC_PUBLIC_KEY), oid('1.2.840.10045.3.1.7')), bits(point))
}

/** The uncompressed point of a P-256 key. */
function pointOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-65)
}
