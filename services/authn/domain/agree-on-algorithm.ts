import { DEFAULT_TOKEN_ALGORITHM, type TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { ApiError } from '../../platform/errors/api-error.ts'

/** What signs tokens for one audience. */
interface WantedAlgorithm {
  /** The audience as it goes into `aud`. */
  readonly audience: string
  readonly alg: TokenAlgorithm
}

/**
 * Brings the audiences of one token together: it has one signature, so all must want the same. Without any, the default.
 *
 * @throws ApiError ALGORITHM_CONFLICT, which names what each audience wants.
 */
export function agreeOnAlgorithm(wanted: readonly WantedAlgorithm[]): TokenAlgorithm {
  const [alg = DEFAULT_TOKEN_ALGORITHM, ...others] = new Set(wanted.map((each) => each.alg))
  if (others.length === 0) return alg
  const list = wanted.map((each) => `${each.alg} for ${each.audience}`).join(', ')
  throw new ApiError('ALGORITHM_CONFLICT', `a token has one signing algorithm, and its audiences differ: ${list}`)
}
