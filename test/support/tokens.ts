import type { SigningKey } from '@auth4agent/core/keys/ed25519'
import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { KeyPurpose, KeyState } from '../../gen/prisma/enums.ts'
import type { Db } from '../../services/platform/db/db.ts'
import { ISSUER } from './authn.ts'
import { type TestAgent } from './authn-agents.ts'
import { signCompactJws } from './jws.ts'
import { testTokenKey } from './token-keys.ts'

/** Inserts a key with this state and purpose. Returns a function that signs tokens with the key as the server does. */
export async function insertTokenKey(
  db: Db,
  state: KeyState,
  alg: TokenAlgorithm = 'EdDSA',
  purpose: KeyPurpose = 'access_token',
) {
  const { kid, jwk, sign } = testTokenKey(alg)
  const isGone = state === 'retired' || state === 'compromised'
  await db.prisma.jwksKey.create({
    data: {
      kid,
      purpose,
      alg,
      state,
      publicJwk: jwk,
      ...(isGone ? {} : { externalRef: { kept: 'in the test' } }),
    },
  })
  return { kid, sign: (claims: object, header: object = {}) => sign({ alg, typ: 'at+jwt', kid, ...header }, claims) }
}

/** Signs a token with any key and claims. */
export function signToken(kid: string, key: SigningKey, claims: object, header: object = {}): string {
  return signCompactJws({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header }, claims, key)
}

/** Returns claims of a token that an agent could have now. */
export function claimsOf(
  agent: Pick<TestAgent, 'did' | 'operatorId'>,
  claims: Partial<AccessTokenClaims> = {},
): AccessTokenClaims {
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
