/** JOSE algorithms that sign tokens: RFC 8037, RFC 9864, RFC 7518 sections 3.4 and 3.3. */
export const TOKEN_ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'RS256'] as const

/** One of {@link TOKEN_ALGORITHMS}. */
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number]

/** The algorithm for an audience whose operator has chosen none. Version-1 clients know only this algorithm. */
export const DEFAULT_TOKEN_ALGORITHM: TokenAlgorithm = 'EdDSA'

/**
 * Tells whether a text is one of {@link TOKEN_ALGORITHMS}.
 *
 * @example
 * ```ts
 * import { isTokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
 *
 * isTokenAlgorithm('ES256') // true
 * isTokenAlgorithm('HS256') // false
 * ```
 */
export function isTokenAlgorithm(text: string): text is TokenAlgorithm {
  return TOKEN_ALGORITHMS.some((alg) => alg === text)
}
