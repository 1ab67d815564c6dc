import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { toLowS } from '@auth4agent/core/keys/ecdsa-p256'
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import { createLocalJWKSet, importPKCS8, jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { generateTokenKey, openTokenKey } from '../../services/platform/crypto/token-key.ts'
import { GOOD_CLAIMS, knownKeyOf } from '../support/access-tokens.ts'
import { ISSUER, NOW_S } from '../support/assertions.ts'

/** Signs a token with the code of the server and a new key. */
async function signedByUs(alg: TokenAlgorithm) {
  const { publicJwk, secret } = await generateTokenKey(alg)
  const kid = jwkThumbprint(publicJwk)
  const parts = [{ alg, typ: 'at+jwt', kid }, GOOD_CLAIMS]
  const signingInput = parts.map((part) => encodeBase64url(Buffer.from(JSON.stringify(part)))).join('.')
  const signature = await openTokenKey(alg, secret)?.sign(Buffer.from(signingInput))
  return { token: `${signingInput}.${encodeBase64url(signature ?? new Uint8Array())}`, jwk: { ...publicJwk, alg, kid } }
}

/**
 * Signs a token with jose. This project accepts only the lower S of an ES256 signature and jose does not choose it, so
 * this function replaces S.
 */
async function signedByJose(alg: TokenAlgorithm) {
  const { key, keys } = knownKeyOf(alg)
  const pem = key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const token = await new SignJWT({ ...GOOD_CLAIMS, epoch: [1, 2] })
    .setProtectedHeader({ alg, typ: 'at+jwt', kid: key.kid })
    .sign(await importPKCS8(pem, alg))
  const [header, payload, text = ''] = token.split('.')
  const signature = decodeBase64url(text) ?? new Uint8Array()
  const low = alg === 'ES256' ? toLowS(signature) : signature
  return { token: `${header}.${payload}.${encodeBase64url(low)}`, keys }
}

describe('jose', () => {
  it.each(TOKEN_ALGORITHMS)('verifies a token that the server signed with %s', async (alg) => {
    for (let index = 0; index < 5; index++) {
      const { token, jwk } = await signedByUs(alg)
      const answer = await jwtVerify(token, createLocalJWKSet({ keys: [jwk] }), {
        algorithms: [alg],
        issuer: ISSUER,
        audience: GOOD_CLAIMS.aud,
        typ: 'at+jwt',
        currentDate: new Date(NOW_S * 1000),
      })
      expect(answer.payload).toEqual(GOOD_CLAIMS)
      expect(answer.protectedHeader.kid).toBe(jwk.kid)
    }
  })

  it.each(TOKEN_ALGORITHMS)('signs a token with %s that the server verifies', async (alg) => {
    for (let index = 0; index < 5; index++) {
      const { token, keys } = await signedByJose(alg)
      expect(await verifyAccessToken(token, ISSUER, keys)).toMatchObject({ claims: GOOD_CLAIMS })
    }
  })
})
