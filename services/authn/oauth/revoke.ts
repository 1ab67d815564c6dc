import { isChain } from '@auth4agent/core/delegation/is-chain'
import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import type { RevokeRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../chain/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { revokeToken } from '../../revocation/index.ts'
import { actorOf } from '../chains/verify-chain.ts'
import type { AuthnDeps } from '../config.ts'
import type { Subject } from '../domain/decide-issue.ts'
import { authenticateClient } from './open-assertion.ts'

/**
 * Revokes a token of an agent (RFC 7009), or the last grant of a chain in which the agent is a holder. Does nothing
 * for other texts, and the agent does not learn the difference.
 *
 * @throws ApiError INVALID_ARGUMENT, UNAVAILABLE, and as authenticateClient does
 */
export async function revokeOwn(deps: AuthnDeps, { token, ...request }: RevokeRequest, call: Call): Promise<void> {
  if (token === '') throw new ApiError('INVALID_ARGUMENT', 'token must not be missing')
  const client = await authenticateClient(deps, request, call)
  const own = isChain(token) ? await findOwnGrant(deps, token, client) : await findOwnToken(deps, token, client)
  if (own === undefined) return
  const { agent, operator } = client
  const author = { requestId: call.requestId, principal: { kind: 'agent', did: agent.did } } as const
  await revokeToken(deps.db, author, { ...own, operatorId: operator.id, reason: '' })
}

type Own = Pick<Parameters<typeof revokeToken>[2], 'jti' | 'exp' | 'action'>

async function findOwnToken(deps: AuthnDeps, text: string, { agent, operator }: Subject): Promise<Own | undefined> {
  const genuine = await verifyAccessToken(text, deps.issuer, deps.verificationKeys, 'including-retired')
  if ('verdict' in genuine) return undefined
  const { sub, operator_id: operatorId, jti, exp } = genuine.claims
  return sub === agent.did && operatorId === operator.id ? { jti, exp, action: 'token.revoke' } : undefined
}

async function findOwnGrant(deps: AuthnDeps, text: string, { agent, operator }: Subject): Promise<Own | undefined> {
  const genuine = await deps.genuineChains(text)
  if (!genuine.ok) return undefined
  const isHolder = genuine.chain.hops.some(({ did, operatorId }) => did === agent.did && operatorId === operator.id)
  const { id: jti, exp } = actorOf(genuine.chain)
  return isHolder ? { jti, exp, action: 'grant.revoke' } : undefined
}
