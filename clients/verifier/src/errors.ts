import { type Verdict, verdicts } from '@auth4agent/core/token/verdicts'

/** The reasons why a verifier cannot decide about a token, with their messages. */
const UNAVAILABLE = {
  KEYS_UNAVAILABLE: 'The public keys of the issuer are missing or too old',
  REVOCATIONS_STALE: 'The knowledge of revocations is missing or too old',
  VERIFIER_CLOSED: 'The verifier is closed',
} as const

/**
 * A stable code that says why a token is not accepted: a verdict of the server, or the reason why the verifier cannot
 * decide.
 */
export type VerificationReason = Verdict | keyof typeof UNAVAILABLE

/**
 * The error for a token that is not accepted. `reason` is a stable code. The message is text for people, and contains
 * no part of the token. If `isTemporary` is true, the verifier cannot decide now, and the same token may be accepted
 * later.
 *
 * @example
 *
 * ```ts
 * import { VerificationError } from '@auth4agent/verifier'
 *
 * try {
 *   await verifier.verify(token)
 * } catch (error) {
 *   if (!(error instanceof VerificationError)) throw error
 *   response.statusCode = error.isTemporary ? 503 : 401
 * }
 * ```
 */
export class VerificationError extends Error {
  override readonly name = 'VerificationError'
  readonly reason: VerificationReason
  readonly isTemporary: boolean

  constructor(reason: VerificationReason, options?: ErrorOptions) {
    super(isUnavailable(reason) ? UNAVAILABLE[reason] : verdicts[reason], options)
    this.reason = reason
    this.isTemporary = isUnavailable(reason)
  }
}

/** Returns whether a text is a verdict of the server. */
export function isVerdict(text: unknown): text is Verdict {
  return typeof text === 'string' && Object.hasOwn(verdicts, text)
}

function isUnavailable(reason: VerificationReason): reason is keyof typeof UNAVAILABLE {
  return Object.hasOwn(UNAVAILABLE, reason)
}
