import { ApiError } from '../errors/api-error.ts'

/** Does the work, and throws DEADLINE_EXCEEDED when it takes longer, in milliseconds; with no time left it does not begin. */
export function withDeadline<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  if (ms <= 0) {
    reject(new ApiError('DEADLINE_EXCEEDED'))
    return promise
  }
  const timer = setTimeout(() => reject(new ApiError('DEADLINE_EXCEEDED')), ms)
  const settled = work()
  settled.then(
    (value) => {
      clearTimeout(timer)
      resolve(value)
    },
    (error: unknown) => {
      clearTimeout(timer)
      reject(error)
    },
  )
  return promise
}
