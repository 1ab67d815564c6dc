import { GRANT_RULES, isChain } from '@auth4agent/core/delegation/is-chain'
import { parseCompactJws } from '@auth4agent/core/jose/jws'
import { readTokenJws } from '@auth4agent/core/token/access-token'

/**
 * Returns the issuer that a chain of grants or a delegated token names: of a chain, the first grant. Returns undefined
 * if the text names none. Nothing is verified, so use the name only to choose the issuer whose keys verify the text.
 *
 * @example
 * ```ts
 * import { namedIssuer } from './named-issuer.ts'
 *
 * const rules = knownIssuers.get(namedIssuer(text) ?? '')
 * ```
 */
export function namedIssuer(text: string): string | undefined {
  const [root = ''] = text.split('~', 1)
  const jws = isChain(text) ? parseCompactJws(root, GRANT_RULES) : readTokenJws(text)
  const issuer = 'payload' in jws ? jws.payload['iss'] : undefined
  return typeof issuer === 'string' ? issuer : undefined
}
