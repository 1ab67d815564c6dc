import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import type { Call } from '../../calls/call.ts'
import { actorName } from '../../ledger/ledger.ts'
import { readConnection } from '../../people/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { AuthnDeps } from '../config.ts'
import { type ActorDeps, authenticateActor, principalOf } from './authenticate-actor.ts'
import type { RefreshRequest } from './domain/user-token-request.ts'
import { type ForUserDeps, issueForUser, type UserToken } from './issue-for-user.ts'
import { useRefresh } from './issue-statement.ts'
import { checkResource } from './redeem-code.ts'

/** The dependencies of redeemRefreshToken. */
type RefreshDeps = ForUserDeps & ActorDeps & Pick<AuthnDeps, 'userGrants'>

/**
 * Issues another token of a connection for its refresh token.
 *
 * @throws ApiError REFRESH_NOT_ACCEPTED, DPOP_PROOF_REQUIRED, INVALID_DPOP_PROOF, INVALID_AUDIENCE, SCOPE_NOT_ALLOWED,
 *   and as authenticateActor and issueForUser
 */
export async function redeemRefreshToken(deps: RefreshDeps, request: RefreshRequest, call: Call): Promise<UserToken> {
  const refresh = await deps.userGrants.openRefreshToken(request.refreshToken)
  if (refresh === undefined) throw refuse('refresh_token must be one that this server has given to the client')
  const { connection: id, n, keyId: refreshKeyId } = refresh
  const known = await readConnection(deps.db.pool, id)
  if (known === undefined) throw refuse('The connection has ended; the user must sign in again')
  if (known.clientId !== request.client.clientId) throw refuse('client_id must be the client to which it was given')
  checkResource(request.resource, known.audience)
  const excess = request.scope?.filter((scope) => !known.scopes.includes(scope)) ?? []
  if (excess.length > 0) {
    throw new ApiError('SCOPE_NOT_ALLOWED', `The connection must have the scope "${excess.join(' ')}"`)
  }
  const scopes = request.scope ?? known.scopes
  const { agent, dpop, once } = await authenticateActor(deps, request.client, known, scopes, call)
  checkSender(known.jkt, dpop)
  const presented = { of: known, consentId: known.consentId, connection: id, n, refreshKeyId }
  const { clientEdge, isDevice } = known
  const { requestId, span } = call
  const by = { actor: actorName(principalOf(known)), requestId, span }
  return issueForUser(
    deps,
    {
      consent: known,
      connection: id,
      given: { scopes, clientEdge, isDevice },
      agent,
      dpop,
      vouchedAtS: known.vouchedAtS,
      expiresAt: known.expiresAt,
      refusal: 'REFRESH_NOT_ACCEPTED',
      use: (decided) => useRefresh(deps.db.pool, { ...presented, once, ...decided, ...by }),
    },
    call,
  )
}

/** A connection that began with a key needs a proof by the same key each time (RFC 9449 section 5). */
function checkSender(jkt: string, dpop: DpopProof | undefined): void {
  if (jkt === '') return
  if (dpop === undefined) throw new ApiError('DPOP_PROOF_REQUIRED', 'The refresh token is bound to a key')
  if (dpop.jkt !== jkt) throw new ApiError('INVALID_DPOP_PROOF', 'The DPoP proof must be by the key of the connection')
}

function refuse(detail: string): ApiError {
  return new ApiError('REFRESH_NOT_ACCEPTED', detail)
}
