import type { GrantReason } from '@auth4agent/core/delegation/refusal'
import { type Verdict, verdicts } from '@auth4agent/core/token/verdicts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../../platform/errors/reasons.ts'

/**
 * Reasons that tell a client what to do: get a new token or chain, or stop. All other reasons mean that the token was
 * never genuine, and an honest client causes none of them.
 */
const OWN_REASONS = [
  'UNKNOWN_KEY',
  'GRANT_EXPIRED',
  'GRANT_NOT_YET_VALID',
  'TOKEN_EXPIRED',
  'TOKEN_NOT_YET_VALID',
  'TOKEN_REVOKED',
  'AGENT_TOKENS_ENDED',
  'OPERATOR_TOKENS_ENDED',
  'TRUST_ENDED',
] as const satisfies readonly ReasonCode[]

/**
 * Makes the error for a subject token or actor token that is refused.
 *
 * @param where the parameter, or the grant in it
 * @param rule what is wrong or would be right, as a clause
 */
export function refuseToken(reason: Verdict | GrantReason, where: string, rule: string): ApiError {
  const own = OWN_REASONS.find((each) => each === reason)
  return own === undefined
    ? new ApiError('INVALID_SUBJECT_TOKEN', `${where}: ${rule} (${reason})`)
    : new ApiError(own, `${where}: ${rule}`)
}

/** A parameter that contains an access token. */
export type TokenParameter = 'subject_token' | 'actor_token'

/** Makes the error for an access token that a verifier would refuse with this verdict. */
export function refuseAccessToken(verdict: Verdict, parameter: TokenParameter): ApiError {
  if (verdict !== 'DELEGATION_NOT_ACCEPTED') return refuseToken(verdict, parameter, verdicts[verdict])
  return new ApiError(parameter === 'subject_token' ? 'EXCHANGE_THE_CHAIN' : 'IMPERSONATION_REFUSED')
}

/** Names a grant of the subject token. The first has the number 0. */
export function placeOf(hop: number | undefined): string {
  return hop === undefined ? 'subject_token' : `Grant ${hop} of subject_token`
}
