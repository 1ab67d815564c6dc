import { ApiError } from '../errors/api-error.ts'
import { createLimiter, type LimitName, type Rate } from './limits.ts'

/**
 * Creates a function that counts a call of a key, or several calls, for keys that only a handler knows.
 *
 * @throws ApiError RATE_LIMITED, from the function
 */
export function limitKeys(group: LimitName, rate: Rate): (key: string, calls?: number) => void {
  const limiter = createLimiter(() => performance.now())
  return (key, calls) => {
    const retryAfter = limiter(group, 'subject', key, rate, calls)
    if (retryAfter > 0) throw new ApiError('RATE_LIMITED', undefined, { retryAfter })
  }
}
