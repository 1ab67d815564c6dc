import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { jwkThumbprint } from './public-jwk.ts'
import { type SignerAlgorithm, signerJwk, signerKid } from './signer-jwk.ts'

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
const POINT = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
/** RFC 8037 appendix A.2. */
const RAW = Buffer.from('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'base64url')

describe('signerJwk', () => {
  it('returns the JWK of an Ed25519 key, which is the default, and signerKid the thumbprint of RFC 8037', () => {
    expect(signerJwk({ publicKey: RAW })).toEqual({ kty: 'OKP', crv: 'Ed25519', x: RAW.toString('base64url') })
    expect(signerKid({ alg: 'EdDSA', publicKey: RAW })).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  it('returns the JWK of a P-256 key, and signerKid its thumbprint', () => {
    const jwk = { kty: 'EC', crv: 'P-256', x, y } as const
    expect(signerJwk({ alg: 'ES256', publicKey: POINT })).toEqual(jwk)
    expect(signerKid({ alg: 'ES256', publicKey: POINT })).toBe(jwkThumbprint(jwk))
  })

  it.each<[string, SignerAlgorithm, Uint8Array]>([
    ['an Ed25519 key of 31 bytes', 'EdDSA', RAW.subarray(1)],
    ['a point as an Ed25519 key', 'EdDSA', POINT],
    ['a P-256 key of 32 bytes', 'ES256', RAW],
    ['a compressed point', 'ES256', POINT.subarray(0, 33)],
    ['a point with another first byte', 'ES256', POINT.with(0, 6)],
  ])('throws RangeError for %s', (_name, alg, key) => {
    expect(() => signerJwk({ alg, publicKey: key })).toThrow(RangeError)
  })
})
