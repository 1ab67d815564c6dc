import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { importP256 } from './ecdsa-p256.ts'
import { isP256Point } from './p256-point.ts'

/** The prime of the field, in base64url. */
const P = Buffer.from('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff', 'hex').toString('base64url')
const ZERO = Buffer.alloc(32).toString('base64url')

function newPoint() {
  const { x = '', y = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  return { x, y }
}

function changed(coordinate: string, at: number): string {
  const bytes = Buffer.from(coordinate, 'base64url')
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes.toString('base64url')
}

describe('isP256Point', () => {
  it('accepts the public keys that Node makes', () => {
    for (let round = 0; round < 50; round += 1) {
      const { x, y } = newPoint()
      expect(isP256Point(x, y)).toBe(true)
    }
  })

  it('agrees with Node about points with one bit changed', () => {
    for (let at = 0; at < 32; at += 1) {
      const { x, y } = newPoint()
      for (const point of [
        { x: changed(x, at), y },
        { x, y: changed(y, at) },
        { x: y, y: x },
      ]) {
        expect(isP256Point(point.x, point.y)).toBe(importP256({ kty: 'EC', crv: 'P-256', ...point }) !== undefined)
      }
    }
  })

  it.each([
    ['the origin', ZERO, ZERO],
    ['x equal to the prime', P, newPoint().y],
    ['y equal to the prime', newPoint().x, P],
    ['an empty coordinate', '', newPoint().y],
    ['a short coordinate', newPoint().x.slice(4), newPoint().y],
    ['a coordinate that is not base64url', `${newPoint().x}=`, newPoint().y],
  ])('refuses %s', (_, x, y) => {
    expect(isP256Point(x, y)).toBe(false)
  })
})
