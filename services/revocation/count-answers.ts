import { ApiError } from '../platform/errors/api-error.ts'
import type { LogStore } from './ports.ts'

/** The server that has answered a statement. */
export interface AnsweredBy {
  /** Names the server and its timeline. No two primaries have the same name. */
  readonly server: string
  /** Whether its commits wait for a standby. */
  readonly isReplicated: boolean
}

/** An answer of the database, and the server that gave it. */
export interface FromDatabase<T> {
  readonly answer: T
  readonly by: AnsweredBy
}

/**
 * Returns an answer of the database if it counts. `recall` returns what memory knows under a lease, or 'unknown'
 * without a lease. `merge` makes one answer from those of memory and database.
 * @throws ApiError UNAVAILABLE when the answer does not count
 */
export type CountAnswer = <T>(
  asked: Promise<FromDatabase<T>>,
  recall: () => T | 'unknown',
  merge: (known: T, told: T) => T,
) => Promise<T>

/**
 * Creates the function of rule (l): an answer of the database counts only under a lease and together with memory, or
 * after a later synchronous commit of the same server. An old primary that was not fenced still answers reads, but no
 * standby confirms its commits. All answers that wait share the next commit, and only one commit runs at a time.
 */
export function createCountAnswer(store: Pick<LogStore, 'confirm'>): CountAnswer {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<string> | undefined
  const commit = () => {
    next ??= running.then(() => {
      next = undefined
      const confirmed = store.confirm()
      running = confirmed.catch(() => undefined)
      return confirmed
    })
    return next
  }
  return async (asked, recall, merge) => {
    const { answer, by } = await asked
    const known = recall()
    if (known !== 'unknown') return merge(known, answer)
    if (by.isReplicated) checkServer(by, await commit())
    return answer
  }
}

/**
 * Checks that a later commit was made by the server that had answered. So this server was still the primary after the
 * answer.
 * @throws ApiError UNAVAILABLE when another server has made the commit
 */
export function checkServer({ server }: Pick<AnsweredBy, 'server'>, confirmedBy: string): void {
  if (confirmedBy === server) return
  const detail = 'The answer came from a database server that may no longer be the primary; try again'
  throw new ApiError('UNAVAILABLE', detail, { retryAfter: 1 })
}
