import { ApiError } from '../errors/api-error.ts'

/** How much work of one key goes on at the same time, and how much of it may wait for its turn. */
interface ShareRules {
  readonly atOnce: number
  readonly waiting: number
}

/** Does work in its turn among that of the same key; throws RATE_LIMITED at once when too much waits already. */
export type FairShare = <T>(key: string, work: () => Promise<T>) => Promise<T>

interface Turn {
  running: number
  readonly waiting: (() => void)[]
}

/** Makes a share: one key's slow work waits for itself, and takes no more of what all share than `atOnce` at a time. */
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
      throw new ApiError('RATE_LIMITED', 'Too many reads of this operator wait already: make fewer at once', {
        retryAfter: 1,
      })
    }
    // Whoever leaves hands its place on.
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
