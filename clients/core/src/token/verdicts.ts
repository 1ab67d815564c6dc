/**
 * Reasons why a token is not valid: `reason` in a successful answer of VerifyToken.
 *
 * @example
 * ```ts
 * import { verdicts } from '@auth4agent/core/token/verdicts'
 *
 * console.log(verdicts.TOKEN_EXPIRED) // 'It has expired'
 * ```
 */
export const verdicts = {
  MALFORMED_TOKEN: 'It is not an access token in its one canonical form',
  UNSUPPORTED_ALGORITHM: 'Its algorithm is not the one of its key',
  UNKNOWN_KEY: 'The server does not accept tokens of its key',
  SIGNATURE_INVALID: 'Its signature does not verify',
  WRONG_ISSUER: 'It has another issuer',
  TOKEN_EXPIRED: 'It has expired',
  TOKEN_NOT_YET_VALID: 'It is not valid yet',
  AUDIENCE_MISMATCH: 'It is for another audience',
  SCOPE_MISSING: 'It lacks a scope that is required',
  OPERATOR_NOT_TRUSTED: 'Its operator is not one of those required',
  TOKEN_REVOKED: 'It has been revoked',
  AGENT_TOKENS_ENDED: "Its agent's tokens have been ended",
  OPERATOR_TOKENS_ENDED: "Its operator's tokens have been ended",
} as const

/** A stable code that says why a token is not valid. */
export type Verdict = keyof typeof verdicts
