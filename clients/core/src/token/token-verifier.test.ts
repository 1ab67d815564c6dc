import { createHmac, ECDH } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signBytes, testTokenKey } from '../../../../test/support/token-keys.ts'
import type { PublicJwk } from '../jose/public-jwk.ts'
import { generateKeyPair } from '../keys/ed25519.ts'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '../keys/token-algorithms.ts'
import { importTokenVerifier } from './token-verifier.ts'

const INPUT = Buffer.from('header.payload')
const KEYS = TOKEN_ALGORITHMS.map((alg) => testTokenKey(alg))
const pairs = KEYS.flatMap((key) => KEYS.map((signer) => ({ alg: key.alg, key, signer, other: signer.alg })))
const isEd25519 = (alg: TokenAlgorithm) => alg === 'EdDSA' || alg === 'Ed25519'
const point = (x: string, y: string): PublicJwk => ({
  kty: 'EC',
  crv: 'P-256',
  x: Buffer.from(x, 'hex').toString('base64url'),
  y: Buffer.from(y, 'hex').toString('base64url'),
})
const okp = (hex: string): PublicJwk => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(hex, 'hex').toString('base64url'),
})
/** A point of P-256 whose x is 0, so p would be a second encoding of it. */
const Y_OF_0 = '66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4'
const ZERO = '00'.repeat(32)

describe('importTokenVerifier', () => {
  it.each(KEYS)('imports a key of $alg that accepts only its own signatures', ({ alg, jwk, privateKey }) => {
    const verifier = importTokenVerifier(alg, jwk)
    const signature = signBytes(alg, privateKey, INPUT)
    expect(verifier?.jwk).toEqual(jwk)
    expect(verifier?.verify(INPUT, signature)).toBe(true)
    expect(verifier?.verify(Buffer.from('header.payloae'), signature)).toBe(false)
    expect(verifier?.verify(INPUT, signature.subarray(1))).toBe(false)
    expect(verifier?.verify(INPUT, Buffer.concat([signature, Buffer.alloc(1)]))).toBe(false)
  })

  it.each(pairs)('for $alg imports a key of $other only if it is of the same kind', ({ alg, signer }) => {
    const isSameKind = alg === signer.alg || (isEd25519(alg) && isEd25519(signer.alg))
    expect(importTokenVerifier(alg, signer.jwk) !== undefined).toBe(isSameKind)
  })

  it('refuses a P-256 key for EdDSA, even if its x is also an Ed25519 key', () => {
    const jwk = pointWithEd25519X()
    expect(importTokenVerifier('ES256', jwk)).toBeDefined()
    expect(importTokenVerifier('EdDSA', { kty: 'OKP', crv: 'Ed25519', x: jwk.x })).toBeDefined()
    expect(importTokenVerifier('EdDSA', jwk)).toBeUndefined()
  })

  it.each(pairs.filter(({ key, signer }) => key !== signer))(
    'under a key of $alg refuses a signature of $other',
    ({ alg, key, signer }) => {
      const signature = signBytes(signer.alg, signer.privateKey, INPUT)
      expect(importTokenVerifier(alg, key.jwk)?.verify(INPUT, signature)).toBe(false)
    },
  )

  it.each(KEYS)('under a key of $alg refuses an HMAC with the public half as secret', ({ alg, jwk }) => {
    const secrets = [JSON.stringify(jwk), ...Object.values(jwk).map((text) => Buffer.from(text, 'base64url'))]
    for (const secret of secrets) {
      const mac = createHmac('sha256', secret).update(INPUT).digest()
      expect(importTokenVerifier(alg, jwk)?.verify(INPUT, mac)).toBe(false)
    }
  })

  it.each([
    '',
    'none',
    'HS256',
    'RS384',
    'PS256',
    'ES384',
    'ES256K',
    'Ed448',
    'eddsa',
    'es256',
    'constructor',
    '__proto__',
  ])('imports no key for the algorithm "%s"', (alg) => {
    for (const { jwk } of KEYS) expect(importTokenVerifier(alg, jwk)).toBeUndefined()
  })

  it.each([
    ['a point of P-256', 'ES256', point(ZERO, Y_OF_0), true],
    [
      'its x written as p',
      'ES256',
      point('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff', Y_OF_0),
      false,
    ],
    ['a point off the curve', 'ES256', point(ZERO, Y_OF_0.replace(/4$/, '5')), false],
    ['zero and zero', 'ES256', point(ZERO, ZERO), false],
    ['an Ed25519 key of small order', 'EdDSA', okp(`01${'00'.repeat(31)}`), false],
    [
      'an Ed25519 key of mixed order',
      'EdDSA',
      okp('cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d'),
      false,
    ],
    ['an Ed25519 key in a second form', 'Ed25519', okp(`ee${'ff'.repeat(30)}7f`), false],
    ['a key that is no point of Ed25519', 'Ed25519', okp(`02${'00'.repeat(31)}`), false],
    ['a private member', 'EdDSA', { ...okp(ZERO), d: 'AA' }, false],
  ])('decides whether to import %s', (_name, alg, jwk, isTaken) => {
    expect(importTokenVerifier(alg, jwk) !== undefined).toBe(isTaken)
  })
})

/** Returns a point of P-256 whose x is also an Ed25519 key, as for half of all points. */
function pointWithEd25519X() {
  for (;;) {
    const { publicKey } = generateKeyPair()
    const compressed = Buffer.concat([Buffer.from([2]), publicKey])
    try {
      const point = Buffer.from(
        String(ECDH.convertKey(compressed, 'prime256v1', undefined, 'hex', 'uncompressed')),
        'hex',
      )
      const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'))
      return { kty: 'EC', crv: 'P-256', x, y }
    } catch {
      // No point of P-256 has this x.
    }
  }
}
