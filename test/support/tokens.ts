import type { KeyState } from '../../gen/prisma/enums.ts'
import { encodeBase64url } from '../../services/shared/crypto/base64.ts'
import { generateKeyPair, type SigningKey } from '../../services/shared/crypto/ed25519.ts'
import { thumbprint } from '../../services/shared/crypto/thumbprint.ts'
import type { Db } from '../../services/shared/db/db.ts'
import type { AccessTokenClaims } from '../../services/shared/token/claims.ts'
import { ISSUER, type TestAgent } from './authn.ts'
import { signCompactJws } from './jws.ts'

/** A key that signs tokens as the services do, and its row; the test says in which state. */
export async function insertTokenKey(db: Db, state: KeyState) {
  const { publicKey, privateKey } = generateKeyPair()
  const kid = thumbprint(publicKey)
  const isGone = state === 'retired' || state === 'compromised'
  await db.prisma.jwksKey.create({
    data: {
      kid,
      purpose: 'access_token',
      alg: 'EdDSA',
      state,
      publicJwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) },
      ...(isGone ? {} : { externalRef: { kept: 'in the test' } }),
    },
  })
  return { kid, sign: (claims: object, header: object = {}) => signToken(kid, privateKey, claims, header) }
}

/** A token under any key and of any claims. */
export function signToken(kid: string, key: SigningKey, claims: object, header: object = {}): string {
  return signCompactJws({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header }, claims, key)
}

/** Claims of a token that an agent could have now. */
export function claimsOf(agent: TestAgent, claims: Partial<AccessTokenClaims> = {}): AccessTokenClaims {
  const iat = Math.floor(Date.now() / 1000)
  return {
    iss: ISSUER,
    sub: agent.did,
    aud: [ISSUER],
    scope: 'read',
    operator_id: agent.operatorId,
    iat,
    nbf: iat,
    exp: iat + 900,
    jti: crypto.randomUUID(),
    client_id: agent.did,
    epoch: [1, 1],
    ...claims,
  }
}
