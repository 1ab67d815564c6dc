import type pg from 'pg'
import { type RedeemInput, type RedeemOutcome, redeem } from './store.ts'

/** Redeems one challenge. */
export type Redeemer = (input: RedeemInput) => Promise<RedeemOutcome>

interface Waiting {
  readonly input: RedeemInput
  readonly resolve: (outcome: RedeemOutcome) => void
  readonly reject: (error: unknown) => void
}

/** Challenges redeemed by one statement at most: its rows wait for each other. */
const MAX_BATCH = 64
/** Statements under way at once: while one waits for the disk, the next one is worked on. */
const MAX_STATEMENTS = 2

/**
 * Group commit: what is asked for in one turn of the event loop, or while other statements are under way, goes to the database in one
 * statement. A redemption is sent after it was asked for, never before, so its snapshot sees all that was acknowledged by then.
 */
export function createRedeemer(pool: pg.Pool): Redeemer {
  const queue: Waiting[] = []
  let statements = 0
  let isScheduled = false

  const send = async (batch: readonly Waiting[]) => {
    statements += 1
    try {
      const outcomes = await redeem(
        pool,
        batch.map(({ input }) => input),
      )
      for (const [index, outcome] of outcomes.entries()) batch[index]?.resolve(outcome)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      statements -= 1
      schedule()
    }
  }
  const sendWaiting = () => {
    isScheduled = false
    while (queue.length > 0 && statements < MAX_STATEMENTS) void send(queue.splice(0, MAX_BATCH))
  }
  const schedule = () => {
    if (isScheduled || queue.length === 0 || statements >= MAX_STATEMENTS) return
    isScheduled = true
    setImmediate(sendWaiting)
  }
  return (input) => {
    const { promise, resolve, reject } = Promise.withResolvers<RedeemOutcome>()
    queue.push({ input, resolve, reject })
    schedule()
    return promise
  }
}
