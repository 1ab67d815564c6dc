import { formatDid, parseDid } from './did.ts'

const ANY_FINGERPRINT = '0'.repeat(32)

/**
 * Tells whether a text can be the domain of an operator: at least two labels, in lower-case A-labels, as in a DID. It
 * does not check whether the domain is a public suffix.
 *
 * @example
 * ```ts
 * import { isDomain } from '@auth4agent/core/identity/domain'
 *
 * isDomain('acme.example') // true
 * isDomain('Acme.example') // false
 * ```
 */
export function isDomain(text: string): boolean {
  return parseDid(formatDid(text, ANY_FINGERPRINT)) !== undefined
}
