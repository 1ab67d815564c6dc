import type { RevokeRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { mayRevoke, readRevocable, revokeToken } from '../../revocation/index.ts'
import type { AuthnDeps } from '../config.ts'
import {
  type EndOwnDeps,
  endConnectionOfAgent,
  endOwnConnection,
  isOfProgram,
} from '../for-users/end-own-connection.ts'
import { authenticateClient, type ClientDeps } from './open-assertion.ts'

/** The dependencies of revokeOwn. */
type RevokeDeps = ClientDeps & EndOwnDeps & Pick<AuthnDeps, 'genuineChains'>

/**
 * Revokes a token of an agent (RFC 7009), or a delegated token or the last grant of a chain in which the agent is a
 * party. Every client ends the connection of a token or refresh token with which it acts for a user. Does nothing for
 * other texts, and the client does not learn the difference.
 *
 * @throws ApiError INVALID_ARGUMENT, UNAVAILABLE, and as authenticateClient does
 */
export async function revokeOwn(deps: RevokeDeps, { token, ...request }: RevokeRequest, call: Call): Promise<void> {
  if (token === '') throw new ApiError('INVALID_ARGUMENT', 'token must not be missing')
  if (isOfProgram(request)) return endOwnConnection(deps, request, token, call)
  const client = await authenticateClient(deps, request, call)
  const { agent, operator } = client
  if (await endConnectionOfAgent(deps, agent.did, token, call)) return
  const { issuer, verificationKeys, genuineChains } = deps
  const verifyChain = (chain: string) => genuineChains(chain)
  const read = await readRevocable({ issuer, verificationKeys, verifyChain }, token)
  if ('refusal' in read || !mayRevoke(read, operator.id, agent.did)) return
  const { jti, exp, action } = read
  const author = { ...call, principal: { kind: 'agent', did: agent.did } } as const
  await revokeToken(deps.db, author, { jti, exp, action, operatorId: operator.id, reason: '' })
}
