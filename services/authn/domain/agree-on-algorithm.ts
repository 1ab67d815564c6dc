import { DEFAULT_TOKEN_ALGORITHM, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { ApiError } from '../../platform/errors/api-error.ts'

/** An audience, and the algorithm that its owner has chosen. */
interface WantedAlgorithm {
  /** The audience as it appears in `aud`. */
  readonly audience: string
  readonly alg: TokenAlgorithm
}

/**
 * Returns the signing algorithm of a token. The token has one signature, so all its audiences must have the same
 * algorithm. For an empty list, returns the default algorithm.
 *
 * @throws ApiError ALGORITHM_CONFLICT with the algorithm of each audience in its detail.
 */
export function agreeOnAlgorithm(wanted: readonly WantedAlgorithm[]): TokenAlgorithm {
  const [alg = DEFAULT_TOKEN_ALGORITHM, ...others] = new Set(wanted.map((each) => each.alg))
  if (others.length === 0) return alg
  const list = wanted.map((each) => `${each.alg} for ${each.audience}`).join(', ')
  throw new ApiError('ALGORITHM_CONFLICT', `All audiences of a token must have the same signing algorithm: ${list}`)
}
