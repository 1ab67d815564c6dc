import { checkTimes } from '@auth4agent/core/token/access-token'
import { checkRequirements, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { VerifyTokenRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps, AuthnSettings } from './config.ts'

/** The dependencies of verifyToken. */
export interface VerifyTokenDeps extends Pick<AuthnDeps, 'now' | 'genuineTokens'> {
  readonly settings: Pick<AuthnSettings, 'skewS'>
  readonly tokenStatus: Pick<AuthnDeps['tokenStatus'], 'check'>
}

/** Claims of a valid token, or the reason why the token is not valid. */
export type Verification =
  | { readonly valid: true; readonly claims: AccessTokenClaims }
  | { readonly valid: false; readonly reason: Verdict; readonly revoked: boolean }

const MAX_REQUIRED = 64

/**
 * Verifies a token online. The token is valid if it is genuine, within its lifetime and meets the requirements, and no
 * call that has returned has ended it.
 *
 * @throws ApiError INVALID_SCOPE, INVALID_AUDIENCE, INVALID_ARGUMENT for malformed requirements; UNAVAILABLE
 */
export async function verifyToken(deps: VerifyTokenDeps, request: VerifyTokenRequest): Promise<Verification> {
  const wanted = parseRequirements(request)
  const genuine = await deps.genuineTokens(request.token)
  if ('verdict' in genuine) return invalid(genuine.verdict)
  const { claims } = genuine
  const outOfTime = () => checkTimes(claims, Math.floor(deps.now() / 1000), deps.settings.skewS)
  const refusal = outOfTime() ?? checkRequirements(claims, wanted)
  if (refusal !== undefined) return invalid(refusal)
  const [agentEpoch, operatorEpoch] = claims.epoch
  const { jti, sub, operator_id: operatorId } = claims
  // Check revocations last, so that only a check of the clock comes between this check and the answer.
  const ended = await deps.tokenStatus.check({ jti, sub, operatorId, agentEpoch, operatorEpoch, kid: genuine.kid })
  if (ended !== undefined) return { valid: false, reason: ended, revoked: ended !== 'UNKNOWN_KEY' }
  // The token may have expired while the database answered.
  const expired = outOfTime()
  return expired === undefined ? { valid: true, claims } : invalid(expired)
}

function invalid(reason: Verdict): Verification {
  return { valid: false, reason, revoked: false }
}

function parseRequirements({ audience, scope: text, operators }: VerifyTokenRequest): Requirements {
  const scope = text === undefined ? [] : parseScopeString(text)
  if (scope === undefined) throw new ApiError('INVALID_SCOPE')
  if (audience.length > MAX_REQUIRED || operators.length > MAX_REQUIRED) {
    throw new ApiError('INVALID_ARGUMENT', `audience and operators must have at most ${MAX_REQUIRED} entries each`)
  }
  // An empty text is probably a variable that the caller forgot to set. It must not mean that no scope is required.
  if (text === '') throw new ApiError('INVALID_SCOPE', 'scope must not be empty; leave it out to require no scope')
  if (audience.includes('')) throw new ApiError('INVALID_AUDIENCE', 'audience must not have an empty entry')
  if (operators.includes('')) throw new ApiError('INVALID_ARGUMENT', 'operators must not have an empty entry')
  return { audience, scope, operators }
}
