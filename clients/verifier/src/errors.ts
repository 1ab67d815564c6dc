import { type GrantReason, grantRefusals } from '@auth4agent/core/delegation/refusal'
import { isTemporaryVerdict, type Verdict, verdicts } from '@auth4agent/core/token/verdicts'

/** The reasons why a verifier cannot decide about a token, with their messages. */
const UNAVAILABLE = {
  KEYS_UNAVAILABLE: 'The public keys of the issuer are missing or too old',
  REVOCATIONS_STALE: 'The knowledge of revocations is missing or too old',
  PROOFS_UNAVAILABLE: 'The memory of used DPoP proofs is full or does not answer',
  VERIFIER_CLOSED: 'The verifier is closed',
} as const

/** All reasons, with their messages. */
const MESSAGES = {
  ...grantRefusals,
  ...verdicts,
  ...UNAVAILABLE,
  PUBLIC_URL_UNKNOWN: 'This API does not know its public URL, so it accepts no DPoP proofs',
} as const

/**
 * A stable code that says why a token or a chain of grants is not accepted: a verdict of the server, the reason why a
 * grant is refused, the reason why the verifier cannot decide, or PUBLIC_URL_UNKNOWN.
 */
export type VerificationReason = keyof typeof MESSAGES

/** What an error says in addition to its reason. */
export interface VerificationErrorOptions extends ErrorOptions {
  /** What would be right, for people. It must not contain a text from which the token or the proof can be made. */
  readonly detail?: string | undefined
  /** The place of the refused grant in the chain: 0 for the root. */
  readonly hop?: number | undefined
}

/** A detail may contain a path that the caller chose, and headers should be short. */
const MAX_DETAIL = 300

/**
 * The error for a token or a chain of grants that is not accepted. `reason` is a stable code. The message is text for
 * people, and contains no secret. If `isTemporary` is true, the verifier cannot decide now, and the same token may be
 * accepted later.
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
  /** The place of the refused grant in the chain: 0 for the root. Undefined for a token and for the whole chain. */
  readonly hop: number | undefined

  constructor(reason: VerificationReason, { detail, hop, ...options }: VerificationErrorOptions = {}) {
    super(detail === undefined ? MESSAGES[reason] : `${MESSAGES[reason]}: ${detail.slice(0, MAX_DETAIL)}`, options)
    this.reason = reason
    this.hop = hop
    this.isTemporary = Object.hasOwn(UNAVAILABLE, reason) || (isTokenVerdict(reason) && isTemporaryVerdict(reason))
  }
}

/** Returns whether a text is a verdict of the server about a token or about a chain of grants. */
export function isVerdict(text: unknown): text is Verdict | GrantReason {
  return typeof text === 'string' && (isTokenVerdict(text) || Object.hasOwn(grantRefusals, text))
}

function isTokenVerdict(text: string): text is Verdict {
  return Object.hasOwn(verdicts, text)
}
