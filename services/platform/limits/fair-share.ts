import { ApiError } from '../errors/api-error.ts'
import type { Shares } from './shares.ts'

/** How many tasks may run at the same time, in total and for one key. */
export interface FairShareRules {
  readonly total: number
  readonly perKey: number
}

/**
 * Runs a task when it is the turn of its key. `isOver` returns whether the caller has stopped waiting; then the task
 * does not begin. Throws RATE_LIMITED at once if too many tasks of the key are waiting.
 */
export type FairShare = <T>(key: string, work: () => Promise<T>, isOver?: () => boolean) => Promise<T>

interface Turn {
  running: number
  readonly waiting: (() => void)[]
}

/**
 * Creates a fair share. Keys take turns for the places, one task each, so the tasks of one key wait for at most one
 * task of each other key. `places` bounds the waiting tasks. Several fair shares may have the same `places`.
 */
export function createFairShare({ total, perKey }: FairShareRules, places: Shares): FairShare {
  const turns = new Map<string, Turn>()
  /** The keys whose next task could run if a place were free, in the order of their turns. */
  const ready = new Set<string>()
  let running = 0

  const passOn = (): void => {
    for (const key of ready) {
      if (running >= total) return
      const turn = turns.get(key)
      const begin = turn?.waiting.shift()
      // The key goes to the end of the order.
      ready.delete(key)
      if (turn === undefined || begin === undefined) continue
      take(turn)
      if (isReady(turn)) ready.add(key)
      begin()
    }
  }
  const isReady = (turn: Turn): boolean => turn.waiting.length > 0 && turn.running < perKey
  const take = (turn: Turn): void => {
    running += 1
    turn.running += 1
  }
  const leave = (key: string, turn: Turn): void => {
    running -= 1
    turn.running -= 1
    if (isReady(turn)) ready.add(key)
    else if (turn.running === 0 && turn.waiting.length === 0) turns.delete(key)
    passOn()
  }
  const enter = async (key: string): Promise<Turn> => {
    const turn = turns.get(key) ?? { running: 0, waiting: [] }
    if (running < total && turn.running < perKey) {
      turns.set(key, turn)
      take(turn)
      return turn
    }
    const place = places(key)
    if (place === undefined) throw new ApiError('RATE_LIMITED', TOO_MANY, { retryAfter: 1 })
    turns.set(key, turn)
    await new Promise<void>((resolve) => {
      turn.waiting.push(resolve)
      if (isReady(turn)) ready.add(key)
    })
    place.giveBack(false)
    return turn
  }
  return async (key, work, isOver = () => false) => {
    const turn = await enter(key)
    try {
      if (isOver()) throw new ApiError('DEADLINE_EXCEEDED')
      return await work()
    } finally {
      leave(key, turn)
    }
  }
}

const TOO_MANY = 'Too many calls of this caller are waiting: send fewer calls at the same time'
