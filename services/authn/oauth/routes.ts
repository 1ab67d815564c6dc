import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import type { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Handlers } from '../../chain/call.ts'
import type { AuthnDeps } from '../config.ts'
import { parseTokenRequest } from '../domain/oauth-request.ts'
import { issueToken } from '../issue-token.ts'
import { type Introspection, introspect } from './introspect.ts'
import { openAssertion } from './open-assertion.ts'
import { revokeOwn } from './revoke.ts'

/** Creates the handlers of OAuthService. They translate between OAuth and the calls of the domain. */
export function oauthRoutes(deps: AuthnDeps): Handlers<typeof OAuthService> {
  return {
    async token(request, call) {
      const requested = parseTokenRequest(request)
      const assertion = openAssertion(deps, request)
      const { token, claims } = await issueToken(deps, { proof: assertion.proof, requested }, call)
      if (assertion.namesEndpoint) deps.sawEndpointAudience(claims.sub)
      const { iat, exp, scope } = claims
      return { accessToken: token, tokenType: tokenTypeOf(claims), expiresIn: exp - iat, scope }
    },
    async introspect(request, call) {
      const introspection = await introspect(deps, request, call)
      if (request.signed) return { active: introspection.claims !== undefined, jwt: await sign(deps, introspection) }
      const { claims } = introspection
      return claims === undefined ? { active: false } : { active: true, ...toResponse(claims) }
    },
    async revoke(request, call) {
      await revokeOwn(deps, request, call)
      return {}
    },
  }
}

/** Returns the value of `token_type` for a token (RFC 6750 section 6.1.1, RFC 9449 section 5). */
export function tokenTypeOf({ cnf }: AccessTokenClaims): 'Bearer' | 'DPoP' {
  return cnf === undefined ? 'Bearer' : 'DPoP'
}

function toResponse(claims: AccessTokenClaims) {
  const { client_id, operator_id, exp, iat, nbf, aud, sub, iss, jti, scope, cnf, agent_key: agentKey } = claims
  return {
    sub,
    iss,
    jti,
    aud: [...aud],
    clientId: client_id,
    operatorId: operator_id,
    tokenType: tokenTypeOf(claims),
    exp: BigInt(exp),
    iat: BigInt(iat),
    nbf: BigInt(nbf),
    ...(scope !== '' && { scope }),
    ...(cnf && { cnf }),
    ...(agentKey !== undefined && { agentKey }),
  }
}

/** Signs the answer as a JWT for the client (RFC 9701 section 5). */
function sign(deps: AuthnDeps, { client, claims }: Introspection): Promise<string> {
  const { epoch: _epoch, ...members } = claims ?? { epoch: [] }
  return deps.introspectionSigner.sign({
    iss: deps.issuer,
    aud: client,
    iat: Math.floor(deps.now() / 1000),
    token_introspection:
      claims === undefined ? { active: false } : { active: true, ...members, token_type: tokenTypeOf(claims) },
  })
}
