import { checkTimes } from '@auth4agent/core/token/access-token'
import { checkRequirements, type Requirements } from '@auth4agent/core/token/check-requirements'
import type { AccessTokenClaims } from '@auth4agent/core/token/claims'
import { parseScopeString } from '@auth4agent/core/token/scope'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { VerifyTokenRequest } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { AuthnDeps } from './config.ts'

/** A valid token's claims, or why it is not valid. */
export type Verification =
  | { readonly valid: true; readonly claims: AccessTokenClaims }
  | { readonly valid: false; readonly reason: Verdict; readonly revoked: boolean }

const MAX_REQUIRED = 64

/** Verifies a token online: genuine, in time, good for what is required, and not ended by anybody whose call has returned. */
export async function verifyToken(deps: AuthnDeps, request: VerifyTokenRequest): Promise<Verification> {
  const wanted = parseRequirements(request)
  const genuine = await deps.genuineTokens(request.token)
  if ('verdict' in genuine) return invalid(genuine.verdict)
  const { claims } = genuine
  const outOfTime = () => checkTimes(claims, Math.floor(deps.now() / 1000), deps.settings.skewS)
  const refusal = outOfTime() ?? checkRequirements(claims, wanted)
  if (refusal !== undefined) return invalid(refusal)
  const [agentEpoch, operatorEpoch] = claims.epoch
  const { jti, sub, operator_id: operatorId } = claims
  // Last of all, so that nothing lies between the look at what has been ended and the answer but the look at the clock.
  const ended = await deps.tokenStatus.check({ jti, sub, operatorId, agentEpoch, operatorEpoch, kid: genuine.kid })
  if (ended !== undefined) return { valid: false, reason: ended, revoked: ended !== 'UNKNOWN_KEY' }
  // The database may have taken its time.
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
    throw new ApiError('INVALID_ARGUMENT', `at most ${MAX_REQUIRED} audiences and ${MAX_REQUIRED} operators`)
  }
  // What is empty is a variable that somebody forgot to set; it must not pass for "none required".
  if (text === '') throw new ApiError('INVALID_SCOPE', 'scope is empty: leave it out to require none')
  if (audience.includes('')) throw new ApiError('INVALID_AUDIENCE', 'audience has an empty entry')
  if (operators.includes('')) throw new ApiError('INVALID_ARGUMENT', 'operators has an empty entry')
  return { audience, scope, operators }
}
