import { agentsOf, verifyDelegatedToken } from '@auth4agent/core/delegation/delegated-token'
import { isChain } from '@auth4agent/core/delegation/is-chain'
import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import type { RevokeRequest } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import type { Call } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { revokeToken } from '../../revocation/index.ts'
import type { AuthnDeps } from '../config.ts'
import { authenticateClient, type ClientDeps } from './open-assertion.ts'

/** The dependencies of readRevocable. */
type ReadDeps = Pick<AuthnDeps, 'issuer' | 'verificationKeys' | 'genuineChains'>

/** The dependencies of revokeOwn. */
interface RevokeDeps extends ClientDeps, ReadDeps {}

/**
 * Revokes a token of an agent (RFC 7009), or a delegated token or the last grant of a chain in which the agent is a
 * party. Does nothing for other texts, and the agent does not learn the difference.
 *
 * @throws ApiError INVALID_ARGUMENT, UNAVAILABLE, and as authenticateClient does
 */
export async function revokeOwn(deps: RevokeDeps, { token, ...request }: RevokeRequest, call: Call): Promise<void> {
  if (token === '') throw new ApiError('INVALID_ARGUMENT', 'token must not be missing')
  const client = await authenticateClient(deps, request, call)
  const { agent, operator } = client
  const revocable = await readRevocable(deps, token)
  const isOwn = revocable?.parties.some(({ did, operatorId }) => did === agent.did && operatorId === operator.id)
  if (revocable === undefined || isOwn !== true) return
  const { jti, exp, action } = revocable
  const author = { ...call, principal: { kind: 'agent', did: agent.did } } as const
  await revokeToken(deps.db, author, { jti, exp, action, operatorId: operator.id, reason: '' })
}

/** A genuine text that ends if its id is revoked by one of its parties. It may have expired. */
interface Revocable extends Pick<Parameters<typeof revokeToken>[2], 'jti' | 'exp' | 'action'> {
  readonly parties: readonly { readonly did: string; readonly operatorId: string }[]
}

async function readRevocable(deps: ReadDeps, text: string): Promise<Revocable | undefined> {
  if (isChain(text)) return readGrant(deps, text)
  const { issuer, verificationKeys } = deps
  if (isDelegatedToken(text)) {
    const genuine = await verifyDelegatedToken(text, issuer, verificationKeys, 'including-retired')
    if ('verdict' in genuine) return undefined
    const { jti, exp } = genuine.claims
    return { jti, exp, parties: agentsOf(genuine), action: 'token.revoke' }
  }
  const genuine = await verifyAccessToken(text, issuer, verificationKeys, 'including-retired')
  if ('verdict' in genuine) return undefined
  const { jti, exp, sub: did, operator_id: operatorId } = genuine.claims
  return { jti, exp, parties: [{ did, operatorId }], action: 'token.revoke' }
}

async function readGrant(
  { genuineChains }: Pick<ReadDeps, 'genuineChains'>,
  text: string,
): Promise<Revocable | undefined> {
  const genuine = await genuineChains(text)
  const last = genuine.ok ? genuine.chain.hops.at(-1) : undefined
  if (!genuine.ok || last === undefined) return undefined
  return { jti: last.id, exp: last.exp, parties: genuine.chain.hops, action: 'grant.revoke' }
}
