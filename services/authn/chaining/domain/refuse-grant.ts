import { isTemporaryVerdict, verdicts } from '@auth4agent/core/token/verdicts'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { GrantRefusal } from '../../../trust/index.ts'

/** Seconds after which a client may try again when the revocations or keys of another deployment are not known. */
const RETRY_AFTER_S = 5

/**
 * The verdicts that a grant with any signature can get. They have one text, because they would tell a stranger which
 * issuers are admitted here.
 */
const UNSIGNED: ReadonlySet<GrantRefusal> = new Set<GrantRefusal>([
  'ISSUER_NOT_TRUSTED',
  'ISSUER_DISABLED',
  'UNKNOWN_KEY',
  'UNSUPPORTED_ALGORITHM',
  'SIGNATURE_INVALID',
])

/**
 * Makes the error for a grant of another deployment that gives no token. It never says which statement is missing: the
 * operators ask ExplainTrust, which shows each of them its own side.
 */
export function refuseGrant(refused: GrantRefusal): ApiError {
  if (refused === 'AUDIENCE_UNKNOWN') {
    return new ApiError('AUDIENCE_NOT_ALLOWED', 'resource must be the audience of the grant, and of an operator here')
  }
  if (isTemporaryVerdict(refused))
    return new ApiError('UNAVAILABLE', verdicts[refused], { isFault: false, retryAfter: RETRY_AFTER_S })
  if (refused === 'SCOPE_MISSING') {
    return new ApiError('SCOPE_NOT_ALLOWED', 'Grant and trust must allow every scope at the audience')
  }
  if (refused === 'TRUST_NOT_FOUND' || refused === 'TRUST_ENDED') return new ApiError('TRUST_NOT_FOUND')
  if (UNSIGNED.has(refused)) {
    const detail = 'The grant must be signed by a current key of an issuer that this deployment admits'
    return new ApiError('GRANT_NOT_ACCEPTED', detail)
  }
  // A domain is proven by DNS after the first statement here names it.
  const hint = refused === 'SUBJECT_OUTSIDE_NAMESPACE' ? ', or no statement here names the operator of its domain' : ''
  return new ApiError('GRANT_NOT_ACCEPTED', `${verdicts[refused]}${hint} (${refused})`)
}
