/** The last second of the year 9999. */
const MAX_UNIX_SECONDS = 253_402_300_799

/**
 * Tells whether a claim of a JWT is a time as this protocol writes it: whole Unix seconds, after 1970. RFC 7519
 * section 2 also permits fractions, but then programs round one token differently.
 *
 * @example
 * ```ts
 * import { isUnixSeconds } from '@auth4agent/core/jose/numeric-date'
 *
 * isUnixSeconds(1_790_000_000) // true
 * isUnixSeconds(1_790_000_000.5) // false
 * ```
 */
export function isUnixSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_UNIX_SECONDS
}
