import { ApiError } from '../../services/platform/errors/api-error.ts'
import type { ReasonCode } from '../../services/platform/errors/reasons.ts'

/** Returns the reason with which a function refuses; undefined if it does not. */
export function reasonOf(work: () => unknown): ReasonCode | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return reasonIn(error)
  }
}

/** Returns the reason with which a promise is rejected; undefined if it is fulfilled. */
export function refusalOf(promise: Promise<unknown>): Promise<ReasonCode | undefined> {
  return promise.then(() => undefined, reasonIn)
}

function reasonIn(error: unknown): ReasonCode {
  if (error instanceof ApiError) return error.reason
  throw error
}
