import { ApiError } from '../errors/api-error.ts'
import { createBound } from './bound.ts'

/** How much slow work of one kind may go on at the same time: in all, and for one key. */
interface GateRules {
  readonly total: number
  readonly perKey: number
}

/** Does work while there is room, else throws OVERLOADED at once. */
export type Gate = <T>(key: string, work: () => Promise<T>) => Promise<T>

/** Keeps callers who wait for somebody else's slow answer from taking all the places of the server. */
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
