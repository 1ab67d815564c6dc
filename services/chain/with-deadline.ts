import { ApiError } from '../platform/errors/api-error.ts'

/**
 * Does the work. Throws DEADLINE_EXCEEDED when it takes longer, in milliseconds: it goes on then, and nobody waits for it. With
 * no time left it does not begin.
 */
export function withDeadline<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const late = (): void => reject(new ApiError('DEADLINE_EXCEEDED'))
  if (ms <= 0) late()
  else void settle(work, setTimeout(late, ms), resolve, reject)
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
