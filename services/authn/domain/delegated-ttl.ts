import { ApiError } from '../../platform/errors/api-error.ts'

const UNKNOWN_LIMIT = 'The operator registry must be upgraded: it does not tell the max_grant_ttl of the operator'

/**
 * Decides the lifetime, in seconds, of a grant or of a token that another agent may exchange. A default lifetime is
 * shortened to the limit of the operator, but a lifetime that the request asks for is not.
 *
 * @throws ApiError INVALID_TTL, UNAVAILABLE
 */
export function decideDelegatedTtl(asked: number | undefined, defaultTtl: number, maxGrantTtl: number): number {
  // A registry of this version never sends 0. Its operator may allow less than an older registry can tell.
  if (maxGrantTtl === 0) throw new ApiError('UNAVAILABLE', UNKNOWN_LIMIT)
  if (asked === undefined) return Math.min(defaultTtl, maxGrantTtl)
  if (asked <= maxGrantTtl) return asked
  throw new ApiError('INVALID_TTL', `ttl must be at most ${maxGrantTtl} seconds, the max_grant_ttl of the operator`)
}
