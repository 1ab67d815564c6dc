import type { DpopProof } from '@auth4agent/core/dpop/dpop-proof'
import type { Call } from '../../calls/call.ts'
import { actorName } from '../../ledger/ledger.ts'
import { readConnection } from '../../people/index.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkDpop } from '../check-dpop.ts'
import type { AuthnDeps } from '../config.ts'
import { authenticateProgram, type ProgramDeps } from './authenticate-program.ts'
import type { RefreshRequest } from './domain/user-token-request.ts'
import { type ForUserDeps, issueForUser, onceTexts, type UserToken } from './issue-for-user.ts'
import { useRefresh } from './issue-statement.ts'
import { checkResource } from './redeem-code.ts'

/** The dependencies of redeemRefreshToken. */
type RefreshDeps = ForUserDeps & ProgramDeps & Pick<AuthnDeps, 'userGrants' | 'settings'>

/**
 * Issues another token of a connection for its refresh token.
 *
 * @throws ApiError REFRESH_NOT_ACCEPTED, DPOP_PROOF_REQUIRED, INVALID_DPOP_PROOF, INVALID_AUDIENCE, SCOPE_NOT_ALLOWED,
 *   and as authenticateProgram and issueForUser
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
  const assertion = await authenticateProgram(deps, request.client, known, call)
  const dpop = call.dpop && checkDpop(deps, call.dpop)
  checkSender(known.jkt, dpop)
  const presented = { of: known, consentId: known.consentId, connection: id, n, refreshKeyId }
  const { clientEdge, isDevice } = known
  const proof = { once: onceTexts(dpop, assertion) }
  const { requestId, span } = call
  const by = { actor: actorName({ kind: 'client', clientId: known.clientId }), requestId, span }
  return issueForUser(
    deps,
    {
      consent: known,
      connection: id,
      given: { scopes: request.scope ?? known.scopes, clientEdge, isDevice },
      dpop,
      vouchedAtS: known.vouchedAtS,
      expiresAt: known.expiresAt,
      refusal: 'REFRESH_NOT_ACCEPTED',
      use: (decided) => useRefresh(deps.db.pool, { ...presented, ...proof, ...decided, ...by }),
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
