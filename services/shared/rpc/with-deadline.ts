import { ApiError } from '../errors/api-error.ts'

/** Does the work, and throws DEADLINE_EXCEEDED when it takes longer, in milliseconds; with no time left it does not begin. */
export async function withDeadline<T>(ms: number, work: () => Promise<T>): Promise<T> {
  if (ms <= 0) throw new ApiError('DEADLINE_EXCEEDED')
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(new ApiError('DEADLINE_EXCEEDED')), ms)
  try {
    return await Promise.race([work(), deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}
