import type { OAuthService } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { toResults, toStatus } from '../chains/messages.ts'
import type { AuthnDeps } from '../config.ts'
import { authorizeDevice } from '../for-users/authorize-device.ts'
import { grantOf } from './grants/table.ts'
import { type Introspection, introspect } from './introspect.ts'
import type { IntrospectionMembers } from './introspection-members.ts'
import { revokeOwn } from './revoke.ts'

/** Creates the handlers of OAuthService. They translate between OAuth and the calls of the domain. */
export function oauthRoutes(deps: AuthnDeps): Handlers<typeof OAuthService> {
  return {
    token: async (request, call) => grantOf(request).answer(deps, request, call),
    authorizeDevice: (request, call) => authorizeDevice(deps, request, call),
    async introspect(request, call) {
      const introspection = await introspect(deps, request, call)
      const { members } = introspection
      if (request.signed) return { active: members !== undefined, jwt: await sign(deps, introspection) }
      return members === undefined ? { active: false } : { active: true, ...toResponse(members) }
    },
    async revoke(request, call) {
      await revokeOwn(deps, request, call)
      return {}
    },
  }
}

function toResponse(members: IntrospectionMembers) {
  const { client_id, operator_id, token_type, exp, iat, nbf, aud, scope, ...others } = members
  const { agent_key, may_act, authorization_details, attestation, status, ...same } = others
  return {
    ...same,
    aud: [...aud],
    clientId: client_id,
    operatorId: operator_id,
    tokenType: token_type,
    exp: BigInt(exp),
    iat: BigInt(iat),
    ...(nbf !== undefined && { nbf: BigInt(nbf) }),
    ...(scope !== '' && { scope }),
    ...(agent_key !== undefined && { agentKey: agent_key }),
    ...(may_act && { mayAct: { ...may_act } }),
    ...(attestation && { attestation: toResults(attestation) }),
    ...(status && { status: toStatus(status) }),
    ...(authorization_details && { authorizationDetails: [...authorization_details] }),
  }
}

/** Signs the answer as a JWT for the client (RFC 9701 section 5). */
function sign(
  deps: Pick<AuthnDeps, 'issuer' | 'now' | 'introspectionSigner'>,
  { client, members }: Introspection,
): Promise<string> {
  return deps.introspectionSigner.sign({
    iss: deps.issuer,
    aud: client,
    iat: Math.floor(deps.now() / 1000),
    token_introspection: members === undefined ? { active: false } : { active: true, ...members },
  })
}
