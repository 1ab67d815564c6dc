import { describe, expect, it } from 'vitest'
import { MECHANISMS } from './algorithms.ts'

const X = Buffer.alloc(32, 7)
const XY = Buffer.alloc(64, 9)
const N = Buffer.alloc(256, 0xfb)
const E = Buffer.from([1, 0, 1])
const okp = { kty: 'OKP', crv: 'Ed25519', x: X.toString('base64url') }
const coordinate = Buffer.alloc(32, 9).toString('base64url')
const ec = { kty: 'EC', crv: 'P-256', x: coordinate, y: coordinate }
const join = (...parts: readonly (Buffer | readonly number[])[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part)))

describe('toPublicJwk', () => {
  it.each<[string, keyof typeof MECHANISMS, readonly Buffer[], object | undefined]>([
    ['an Ed25519 point in an OCTET STRING', 'EdDSA', [join([4, 32], X)], okp],
    ['a bare Ed25519 point', 'Ed25519', [X], okp],
    ['an Ed25519 point in another type', 'EdDSA', [join([3, 32], X)], undefined],
    ['an Ed25519 point of another length', 'EdDSA', [join([4, 31], X)], undefined],
    ['a P-256 point in an OCTET STRING', 'ES256', [join([4, 65, 4], XY)], ec],
    ['a bare P-256 point', 'ES256', [join([4], XY)], ec],
    ['a compressed P-256 point', 'ES256', [join([4, 65, 6], XY)], undefined],
    ['no point', 'ES256', [], undefined],
    ['an RSA key', 'RS256', [N, E], { kty: 'RSA', n: N.toString('base64url'), e: 'AQAB' }],
    ['an RSA key of another size', 'RS256', [N.subarray(1), E], undefined],
    ['an RSA key without exponent', 'RS256', [N], undefined],
  ])('converts or refuses %s', (_name, alg, values, jwk) => {
    expect(MECHANISMS[alg].toPublicJwk(values)).toEqual(jwk)
  })
})
