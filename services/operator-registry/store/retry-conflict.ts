import { ApiError } from '../../shared/errors/api-error.ts'

const ATTEMPTS = 3
/** Prisma's code of a violated unique index. */
const UNIQUE_VIOLATION = 'P2002'

/**
 * Runs a transaction again when another one was first to what a unique index allows once: the next attempt sees what the
 * other has done and decides by that.
 *
 * @throws ApiError UNAVAILABLE when every attempt lost.
 */
export async function retryConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isConflict(error)) throw error
      if (attempt === ATTEMPTS) throw new ApiError('UNAVAILABLE', undefined, { cause: error, retryAfter: 1 })
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION
}
