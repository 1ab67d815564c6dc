import { ApiError } from '../../services/platform/errors/api-error.ts'
import type { ReasonCode } from '../../services/platform/errors/reasons.ts'

/** Returns the reason of the ApiError that a function throws; undefined if it throws none. */
export function reasonOf(work: () => unknown): ReasonCode | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return reasonIn(error)
  }
}

/** Returns the reason of the ApiError with which a promise rejects; undefined if it is fulfilled. */
export function refusalOf(promise: Promise<unknown>): Promise<ReasonCode | undefined> {
  return promise.then(() => undefined, reasonIn)
}

function reasonIn(error: unknown): ReasonCode {
  if (error instanceof ApiError) return error.reason
  throw error
}
