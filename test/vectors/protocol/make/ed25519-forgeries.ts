import { createHash } from 'node:crypto'
import { decodeBase64url } from '@auth4agent/core/encoding/base64'
import { Point } from '@noble/ed25519'
import { SIGNING_KEYS, seedOf } from './parties.ts'

const P = 2n ** 255n - 19n
/** Order of the group of Ed25519 (RFC 8032 section 5.1). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
/** A point of order 8 in hexadecimal, from table 6 of "Taming the many EdDSAs". */
const ORDER_8 = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const littleEndian = (bytes: Uint8Array) => BigInt(`0x${hexOf(Uint8Array.from(bytes).toReversed())}`)
const toLittleEndian = (value: bigint) =>
  Buffer.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').toReversed())
const sha512 = (...parts: readonly Uint8Array[]) => createHash('sha512').update(Buffer.concat(parts)).digest()

/** The signing key EdDSA as RFC 8032 section 5.1.5 derives it. */
const { x } = SIGNING_KEYS.EdDSA.publicJwk as { x: string }
const PUBLIC_KEY = decodeBase64url(x) ?? Buffer.alloc(0)
const SCALAR = littleEndian(clamped(sha512(seedOf('signing key EdDSA')).subarray(0, 32)))

function clamped(scalar: Buffer): Buffer {
  scalar[0] = (scalar[0] ?? 0) & 248
  scalar[31] = ((scalar[31] ?? 0) & 127) | 64
  return scalar
}

/** Returns a signature with S + L in place of S, which satisfies the same equation. */
export function withHigherS(signature: Uint8Array): Uint8Array {
  return Buffer.concat([signature.subarray(0, 32), toLittleEndian(littleEndian(signature.subarray(32)) + ORDER)])
}

/** A signature that only the owner of the signing key EdDSA can create. */
interface Forgery {
  readonly name: string
  readonly sign: (signingInput: Uint8Array) => Uint8Array
}

/** Makes a forgery with this R. S = r + k * a, so S times the base point is r times it, plus k times the key. */
function withR(name: string, R: Uint8Array, r = 0n): Forgery {
  const sign = (signingInput: Uint8Array) => {
    const k = littleEndian(sha512(R, PUBLIC_KEY, signingInput))
    return Buffer.concat([R, toLittleEndian((r + k * SCALAR) % ORDER)])
  }
  return { name, sign }
}

/**
 * Signatures with an R that must be refused. A verifier that multiplies by the cofactor and does not look at R accepts
 * all of them. The list has every R that is not canonical and for which a signature is possible under an admitted key.
 * Every other R that is not canonical has a y below 19, and no r is known for it.
 */
export function forgeries(): readonly Forgery[] {
  const signed = toLittleEndian(1n)
  signed[31] = 0x80
  const r = littleEndian(sha512(seedOf('nonce of a forgery'))) % ORDER
  return [
    withR('EdDSA: R is the identity, made by the owner of the key', Point.ZERO.toBytes()),
    withR('EdDSA: R is the identity, written with y = p + 1', toLittleEndian(P + 1n)),
    withR('EdDSA: R is the identity, written with the sign of x set', signed),
    withR('EdDSA: R is a point of order 2', ORDER_8.double().double().toBytes()),
    withR('EdDSA: R is a point of order 4', ORDER_8.double().toBytes()),
    withR('EdDSA: R is a point of order 4, written with y = p', toLittleEndian(P)),
    withR('EdDSA: R is a point of order 8', ORDER_8.toBytes()),
    withR('EdDSA: R has a torsion component', Point.BASE.multiply(r).add(ORDER_8).toBytes(), r),
  ]
}
