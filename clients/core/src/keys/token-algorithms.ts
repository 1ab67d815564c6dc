/** JOSE algorithms that sign access tokens: RFC 8037, RFC 9864, RFC 7518 sections 3.4 and 3.3. */
export const TOKEN_ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'RS256'] as const

/** One of them. */
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number]

/** What signs a token for an audience whose owner has not chosen: clients of version 1 know no other. */
export const DEFAULT_TOKEN_ALGORITHM: TokenAlgorithm = 'EdDSA'

/** Whether a text names one of them. */
export function isTokenAlgorithm(text: string): text is TokenAlgorithm {
  return TOKEN_ALGORITHMS.some((alg) => alg === text)
}
