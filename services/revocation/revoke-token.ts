import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import { isJti } from '@auth4agent/core/token/claims'
import type { RevokeTokenRequest } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Call } from '../chain/call.ts'
import type { VerificationKeys } from '../keys/verification-keys.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { revokeToken } from './store.ts'

/** What the service works with. */
export interface RevocationDeps {
  readonly db: Db
  readonly issuer: string
  readonly verificationKeys: VerificationKeys
}

/** Revokes by the token itself, which proves the right to, or by its id under the operator's assertion. */
export async function revoke(deps: RevocationDeps, request: RevokeTokenRequest, call: Call) {
  checkReason(request.reason)
  if ((request.token === '') === (request.jti === '')) {
    throw new ApiError('INVALID_ARGUMENT', 'exactly one of token and jti is needed')
  }
  return request.token === '' ? revokeById(deps, request, call) : revokeByToken(deps, request, call)
}

async function revokeById({ db }: RevocationDeps, { jti, reason }: RevokeTokenRequest, call: Call) {
  if (call.principal.kind !== 'operator')
    throw new ApiError('UNAUTHENTICATED', "revoking by jti needs the operator's assertion")
  if (!isJti(jti)) throw new ApiError('INVALID_ARGUMENT', 'jti is 1 to 64 visible characters')
  const { operatorId } = call.principal
  return { jti, revokedAt: await revokeToken(db, call, { operatorId, jti, exp: undefined, reason }) }
}

async function revokeByToken(deps: RevocationDeps, { token, reason }: RevokeTokenRequest, call: Call) {
  const { db, issuer } = deps
  const genuine = await verifyAccessToken(token, issuer, deps.verificationKeys, 'including-retired')
  if ('verdict' in genuine) throw new ApiError('TOKEN_NOT_OURS')
  const { jti, operator_id: operatorId, exp } = genuine.claims
  return { jti, revokedAt: await revokeToken(db, call, { operatorId, jti, exp, reason }) }
}
