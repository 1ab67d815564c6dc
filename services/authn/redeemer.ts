import type pg from 'pg'
import type { SessionSettings } from '../platform/db/session.ts'
import { type RedeemInput, type RedeemOutcome, redeem } from './store.ts'

/** Redeems one challenge. */
export type Redeemer = (input: RedeemInput) => Promise<RedeemOutcome>

interface Waiting {
  readonly input: RedeemInput
  readonly resolve: (outcome: RedeemOutcome) => void
  readonly reject: (error: unknown) => void
}

/** Maximum number of redemptions in one statement. They all finish together, so each waits for the whole batch. */
const MAX_BATCH = 128
/** Maximum number of statements at the same time, and so the number of connections that redeeming needs. */
export const MAX_STATEMENTS = 4
/** A batch with fewer redemptions than this waits while the running statements together have more of them. */
const MIN_BATCH = 12
/** Milliseconds for which a running statement may delay a smaller batch. */
const PATIENCE_MS = 5

/**
 * Settings of the database sessions that redeem. With them, PostgreSQL plans the redeeming statement once per
 * connection, and the plan does not depend on the number of rows or on statistics. The reason: planning costs more
 * than running, and statistics are outdated after thousands of agents were registered.
 */
export const REDEEM_SESSION: SessionSettings = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' }

/**
 * Creates the redeemer. It collects redemptions that arrive in one turn of the event loop, or while another statement
 * is running, and sends them as one statement (group commit).
 *
 * While fewer than MAX_STATEMENTS run, the redeemer sends the waiting redemptions when they are at least as many as
 * the redemptions in all running statements, or at least `enough()`. The reason: most of the cost of a statement does
 * not depend on its rows, and a few statements at a time keep this process and the database busy. A statement that
 * takes longer than PATIENCE_MS, because of the disk or a lock, no longer counts in this comparison.
 *
 * A statement begins after the requests of its redemptions have arrived. So the statement sees every change whose call
 * had returned before.
 */
export function createRedeemer(pool: pg.Pool): Redeemer {
  let queue: Waiting[] = []
  let statements = 0
  /** Number of redemptions in running statements, except statements that have run for longer than PATIENCE_MS. */
  let underWay = 0
  let isScheduled = false

  const send = async (batch: readonly Waiting[]) => {
    statements += 1
    underWay += batch.length
    let isLate = false
    const giveWay = () => {
      if (!isLate) underWay -= batch.length
      isLate = true
      schedule()
    }
    const patience = setTimeout(giveWay, PATIENCE_MS)
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
      clearTimeout(patience)
      giveWay()
    }
  }
  /**
   * Returns how many redemptions are enough for a batch. Under high load this is an equal share for each statement.
   */
  const enough = () => Math.max(MIN_BATCH, (queue.length + underWay) / MAX_STATEMENTS)
  const maySend = () => statements < MAX_STATEMENTS && queue.length > 0 && queue.length >= Math.min(underWay, enough())
  const sendWaiting = () => {
    while (maySend()) {
      const batch = queue.slice(0, MAX_BATCH)
      queue = queue.slice(MAX_BATCH)
      void send(batch)
    }
  }
  const schedule = () => {
    if (isScheduled || !maySend()) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      sendWaiting()
    })
  }
  return (input) => {
    const { promise, resolve, reject } = Promise.withResolvers<RedeemOutcome>()
    queue.push({ input, resolve, reject })
    // With enough redemptions, send at once: the rest of this turn may take as long as the statement.
    if (queue.length >= enough()) sendWaiting()
    else schedule()
    return promise
  }
}
