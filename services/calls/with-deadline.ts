import { ApiError } from '../platform/errors/api-error.ts'

/**
 * Runs work with a deadline in milliseconds. If the work takes longer, it continues, but its result is ignored. If the
 * deadline is 0 or less, the work does not begin. `isOver` tells the work whether the deadline has passed.
 * @throws ApiError DEADLINE_EXCEEDED
 */
export function withDeadline<T>(ms: number, work: (isOver: () => boolean) => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let isOver = false
  const late = (): void => {
    isOver = true
    reject(new ApiError('DEADLINE_EXCEEDED'))
  }
  if (ms <= 0) late()
  else void settle(() => work(() => isOver), setTimeout(late, ms), resolve, reject)
  return promise
}

async function settle<T>(
  work: () => Promise<T>,
  timer: NodeJS.Timeout,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Promise<void> {
  try {
    resolve(await work())
  } catch (error) {
    reject(error)
  } finally {
    clearTimeout(timer)
  }
}
