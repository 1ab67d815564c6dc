import { verifyAccessToken } from '@auth4agent/core/token/access-token'
import { isJti } from '@auth4agent/core/token/claims'
import type { RevokeTokenRequest } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { Call } from '../chain/call.ts'
import type { VerificationKeys } from '../keys/verification-keys.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { type Revocation, revokeToken } from './store.ts'

/** Dependencies of revoke. */
export interface RevocationDeps {
  readonly db: Db
  readonly issuer: string
  readonly verificationKeys: VerificationKeys
  /** Limit of the token records of one operator. Replaces the default. */
  readonly maxTokenRecords?: number
}

/** Revokes a token. The caller presents the token itself, or its jti together with the operator's assertion. */
export async function revoke(deps: RevocationDeps, request: RevokeTokenRequest, call: Call) {
  checkReason(request.reason)
  if ((request.token === '') === (request.jti === '')) {
    throw new ApiError('INVALID_ARGUMENT', 'The request must contain either token or jti, and not both')
  }
  return request.token === '' ? revokeById(deps, request, call) : revokeByToken(deps, request, call)
}

async function revokeById(deps: RevocationDeps, { jti, reason }: RevokeTokenRequest, call: Call) {
  if (call.principal.kind !== 'operator')
    throw new ApiError('UNAUTHENTICATED', "Revoking by jti needs the operator's assertion")
  if (!isJti(jti)) throw new ApiError('INVALID_ARGUMENT', 'jti must be 1 to 64 visible ASCII characters')
  const { operatorId } = call.principal
  return revokeIn(deps, call, { operatorId, jti, exp: undefined, reason })
}

async function revokeByToken(deps: RevocationDeps, { token, reason }: RevokeTokenRequest, call: Call) {
  const genuine = await verifyAccessToken(token, deps.issuer, deps.verificationKeys, 'including-retired')
  if ('verdict' in genuine) throw new ApiError('TOKEN_NOT_OURS')
  const { jti, operator_id: operatorId, exp } = genuine.claims
  return revokeIn(deps, call, { operatorId, jti, exp, reason })
}

async function revokeIn({ db, maxTokenRecords }: RevocationDeps, call: Call, revocation: Revocation) {
  return { jti: revocation.jti, ...(await revokeToken(db, call, revocation, maxTokenRecords)) }
}
