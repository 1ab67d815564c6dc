import { readTokenJws } from '../token/access-token.ts'
import { hasActor } from '../token/claims.ts'
import { isChain } from './is-chain.ts'

/**
 * Tells whether a text has the form of delegated authority: a chain of grants, or an access token that says that
 * another agent acts. It verifies nothing.
 *
 * @example
 * ```ts
 * import { isDelegated } from '@auth4agent/core/delegation/is-delegated'
 *
 * const verified = isDelegated(text) ? await verifyDelegated(text) : await verifyToken(text)
 * ```
 */
export function isDelegated(text: string): boolean {
  return isChain(text) || isDelegatedToken(text)
}

/**
 * Tells whether a text has the form of an access token that says that another agent acts. It verifies nothing.
 *
 * @example
 * ```ts
 * import { isDelegatedToken } from '@auth4agent/core/delegation/is-delegated'
 *
 * const parties = isDelegatedToken(text) ? await readLineage(text) : []
 * ```
 */
export function isDelegatedToken(text: string): boolean {
  const jws = readTokenJws(text)
  return 'payload' in jws && hasActor(jws.payload)
}
