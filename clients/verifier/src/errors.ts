import { type Verdict, verdicts } from '@auth4agent/core/token/verdicts'

/** Why a verifier cannot tell whether a token is valid: what it would need is not to be had, or too old. */
const UNAVAILABLE = {
  KEYS_UNAVAILABLE: 'The public keys of the issuer cannot be had',
  REVOCATIONS_STALE: 'What has been revoked is not known well enough',
  VERIFIER_CLOSED: 'The verifier has been closed',
} as const

/** A stable code of why a token is not accepted: the server's own verdicts, and those for what cannot be told now. */
export type VerificationReason = Verdict | keyof typeof UNAVAILABLE

/**
 * A token that is not accepted. `reason` is stable; the message is for people, and holds nothing of the token. `isTemporary` says that
 * the token may be good: trying again may help, and another token will not.
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

/** Whether a text is one of the server's verdicts. */
export function isVerdict(text: unknown): text is Verdict {
  return typeof text === 'string' && Object.hasOwn(verdicts, text)
}

function isUnavailable(reason: VerificationReason): reason is keyof typeof UNAVAILABLE {
  return Object.hasOwn(UNAVAILABLE, reason)
}
