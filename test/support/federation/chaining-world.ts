import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { ChainingGrant } from '../../../services/keys/index.ts'
import type { Chaining } from '../../../services/trust/index.ts'
import { createCheckHome } from '../../../services/trust/tokens/chaining/check-home.ts'
import { createFindAuthority } from '../../../services/trust/tokens/chaining/find-authority.ts'
import { createJudgeGrant } from '../../../services/trust/tokens/chaining/judge-grant.ts'
import { NOW_S } from '../assertions.ts'
import { signCompactJws } from '../jws.ts'
import { testTokenKey } from '../token-keys.ts'
import { ACME, ACME_DID, ALPHA, AUDIENCE, alphaKey, BETA } from './foreign-parties.ts'
import { foreignWorld, type WorldOptions } from './foreign-world.ts'

/** The key of acme's agent, to which its grants are bound. */
export const agentKey = testTokenKey('EdDSA')
export const AGENT_JKT = jwkThumbprint(agentKey.jwk)

/** The statement of acme that lets its agents carry authority to B. */
export const CHAINS_TO = 'e0000000-0000-8000-8000-00000000000b'

/** Claims of a grant of A for B, for an agent of acme. */
export const GOOD_GRANT: ChainingGrant = {
  iss: ALPHA,
  sub: ACME_DID,
  aud: BETA,
  client_id: ACME_DID,
  operator_id: ACME,
  epoch: [3, 7],
  resource: AUDIENCE,
  scope: 'read',
  cnf: { jkt: AGENT_JKT },
  jti: 'grant-1',
  iat: NOW_S,
  exp: NOW_S + 60,
  token: { jti: 'token-at-home', exp: NOW_S + 900, kid: alphaKey.entry.kid },
  edge: CHAINS_TO,
}

/** Signs a grant of A, with changed claims and header. A claim that is undefined is left out. */
export function alphaGrant(claims: object = {}, header: object = {}, key = alphaKey.pair): string {
  const good = { alg: 'EdDSA', typ: 'oauth-id-jag+jwt', kid: thumbprint(key.publicKey) }
  return signCompactJws({ ...good, ...header }, { ...GOOD_GRANT, ...claims }, key.privateKey)
}

/** Everything that B needs for grants of A, with rows and logs in memory. */
export function chainingWorld(options: WorldOptions = {}, issuer = BETA) {
  const world = foreignWorld(options)
  const { parts } = world
  const chaining: Chaining = {
    findAuthority: createFindAuthority(parts),
    judgeGrant: createJudgeGrant({ ...parts, issuer }),
    checkHome: createCheckHome(parts),
  }
  return { ...world, chaining }
}
