import { splitCompactJws } from '../jose/jws.ts'
import { GRANT_ALGORITHM, GRANT_TYPE, MAX_GRANT_BYTES } from './grant-types.ts'

/** The form of a grant. The first grant of a chain has a `kid`. */
export const GRANT_RULES = {
  maxBytes: MAX_GRANT_BYTES,
  algs: [GRANT_ALGORITHM],
  typs: [GRANT_TYPE],
  kid: 'optional',
} as const

/**
 * Tells whether a text has the form of a chain of grants, and not of an access token. It verifies nothing. No text is
 * both: an access token has another `typ`, and has no `~`.
 *
 * @example
 * ```ts
 * import { isChain } from '@auth4agent/core/delegation/is-chain'
 *
 * const verified = isChain(text) ? await verifyChain(text) : await verifyToken(text)
 * ```
 */
export function isChain(text: string): boolean {
  return text.includes('~') || splitCompactJws(text, GRANT_RULES).ok
}
