import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import type { RevokeRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { revokeToken } from '../../revocation/index.ts'
import type { AuthnDeps } from '../config.ts'
import { authenticateClient } from './open-assertion.ts'

/**
 * Revokes a token of an agent (RFC 7009). Does nothing for other texts, and the agent does not learn the difference.
 *
 * @throws ApiError INVALID_ARGUMENT, UNAVAILABLE, and as authenticateClient does
 */
export async function revokeOwn(deps: AuthnDeps, request: RevokeRequest, call: Call): Promise<void> {
  if (request.token === '') throw new ApiError('INVALID_ARGUMENT', 'token must not be missing')
  const { agent, operator } = await authenticateClient(deps, request, call)
  const genuine = await verifyAccessToken(request.token, deps.issuer, deps.verificationKeys, 'including-retired')
  if ('verdict' in genuine) return
  const { sub, operator_id: operatorId, jti, exp } = genuine.claims
  if (sub !== agent.did || operatorId !== operator.id) return
  const author = { requestId: call.requestId, principal: { kind: 'agent', did: agent.did } } as const
  await revokeToken(deps.db, author, { operatorId, jti, exp, reason: '' })
}
