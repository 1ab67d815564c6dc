import { type Verdict, verdicts } from '@auth4agent/core/token/verdicts'

/** The reasons why a verifier cannot decide about a token, with their messages. */
const UNAVAILABLE = {
  KEYS_UNAVAILABLE: 'The public keys of the issuer are missing or too old',
  REVOCATIONS_STALE: 'The knowledge of revocations is missing or too old',
  PROOFS_UNAVAILABLE: 'The memory of used DPoP proofs is full or does not answer',
  VERIFIER_CLOSED: 'The verifier is closed',
} as const

/** All reasons, with their messages. */
const MESSAGES = {
  ...verdicts,
  ...UNAVAILABLE,
  PUBLIC_URL_UNKNOWN: 'This API does not know its public URL, so it accepts no DPoP proofs',
} as const

/**
 * A stable code that says why a token is not accepted: a verdict of the server, the reason why the verifier cannot
 * decide, or PUBLIC_URL_UNKNOWN.
 */
export type VerificationReason = keyof typeof MESSAGES

/** What an error says in addition to its reason. */
export interface VerificationErrorOptions extends ErrorOptions {
  /** What would be right, for people. It must contain no part of the token or of the proof. */
  readonly detail?: string | undefined
}

/** A detail may contain a path that the caller chose, and headers should be short. */
const MAX_DETAIL = 300

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

  constructor(reason: VerificationReason, { detail, ...options }: VerificationErrorOptions = {}) {
    super(detail === undefined ? MESSAGES[reason] : `${MESSAGES[reason]}: ${detail.slice(0, MAX_DETAIL)}`, options)
    this.reason = reason
    this.isTemporary = Object.hasOwn(UNAVAILABLE, reason)
  }
}

/** Returns whether a text is a verdict of the server. */
export function isVerdict(text: unknown): text is Verdict {
  return typeof text === 'string' && Object.hasOwn(verdicts, text)
}
