import { decodeBase64url } from '../encoding/base64.ts'
import { isUuid } from '../encoding/uuid.ts'
import { parseDid } from '../identity/did.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'

/** The form of a claim. `demand` says what is right, after the claim's name. */
export interface Form<T = unknown> {
  holds(value: unknown): value is T
  readonly demand: string
}

const DIGEST_BYTES = 32

/** A DID of the method `agent`. */
export const DID: Form<string> = text((value) => parseDid(value) !== undefined, 'must be a DID')
/** A SHA-256 or an RFC 7638 thumbprint in base64url. */
export const DIGEST: Form<string> = text(
  (value) => decodeBase64url(value)?.length === DIGEST_BYTES,
  'must be 43 characters of base64url, the SHA-256 of a text or key',
)
/** A time in Unix seconds. */
export const TIME: Form<number> = { holds: isUnixSeconds, demand: 'must be whole Unix seconds' }
/** The id of an operator. */
export const OPERATOR_ID: Form<string> = text(isUuid, 'must be an operator id')

/**
 * Makes the form of a text that is not empty.
 *
 * @example
 * ```ts
 * import { text } from '@auth4agent/core/key-events/claim-forms'
 *
 * const SHORT = text((value) => value.length < 10, 'must be shorter than 10 characters')
 * ```
 */
export function text(is: (value: string) => boolean, demand: string): Form<string> {
  return { holds: (value): value is string => typeof value === 'string' && value !== '' && is(value), demand }
}

/**
 * Makes the form of a whole number within bounds.
 *
 * @example
 * ```ts
 * import { whole } from '@auth4agent/core/key-events/claim-forms'
 *
 * const SEQ = whole(0, 1_000_000, 'must be a whole number from 0 to 1000000')
 * ```
 */
export function whole(least: number, most: number, demand: string): Form<number> {
  return {
    holds: (value): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
    demand,
  }
}
