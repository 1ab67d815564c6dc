import { ApiError } from '../errors/api-error.ts'
import { createBound } from './bound.ts'

/** How many slow tasks of one kind may run at the same time, in total and for one key. */
interface GateRules {
  readonly total: number
  readonly perKey: number
}

/** Runs a task if there is room. Otherwise throws OVERLOADED immediately. */
export type Gate = <T>(key: string, work: () => Promise<T>) => Promise<T>

/** Creates a gate. It limits how many calls wait for a slow third party, so that they do not block other calls. */
export function createGate({ total, perKey }: GateRules): Gate {
  const enter = createBound(total, perKey)
  return async (key, work) => {
    const leave = enter(key)
    if (leave === undefined) throw new ApiError('OVERLOADED', undefined, { retryAfter: 1 })
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
