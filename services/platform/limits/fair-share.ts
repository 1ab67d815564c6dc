import { ApiError } from '../errors/api-error.ts'

/** How many tasks of one key run at the same time, and how many may wait. */
interface ShareRules {
  readonly atOnce: number
  readonly waiting: number
}

/** Runs a task when its key has a free place. Throws RATE_LIMITED at once if too many tasks of the key are waiting. */
export type FairShare = <T>(key: string, work: () => Promise<T>) => Promise<T>

interface Turn {
  running: number
  readonly waiting: (() => void)[]
}

/**
 * Creates a fair share. At most `atOnce` tasks of one key run at the same time, so slow tasks delay only other tasks
 * of the same key.
 */
export function createFairShare({ atOnce, waiting: mostWaiting }: ShareRules): FairShare {
  const turns = new Map<string, Turn>()
  const enter = async (key: string): Promise<Turn> => {
    const turn = turns.get(key) ?? { running: 0, waiting: [] }
    turns.set(key, turn)
    if (turn.running < atOnce) {
      turn.running += 1
      return turn
    }
    if (turn.waiting.length >= mostWaiting) {
      throw new ApiError(
        'RATE_LIMITED',
        'Too many reads of this operator are waiting: send fewer reads at the same time',
        {
          retryAfter: 1,
        },
      )
    }
    // A task that ends passes its place to the next one.
    await new Promise<void>((resolve) => turn.waiting.push(resolve))
    return turn
  }
  return async (key, work) => {
    const turn = await enter(key)
    try {
      return await work()
    } finally {
      const next = turn.waiting.shift()
      if (next !== undefined) next()
      else {
        turn.running -= 1
        if (turn.running === 0) turns.delete(key)
      }
    }
  }
}
