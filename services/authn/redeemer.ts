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
const MAX_BATCH = 128
/** Statements under way at once at most, and so the connections that redeeming needs. */
export const MAX_STATEMENTS = 4
/** Fewer are not worth a statement of their own while more than they are under way. */
const WORTH_ONE = 12
/** How long a statement keeps fewer than it has from being sent, in milliseconds. */
const PATIENCE_MS = 5

/**
 * The plan of the redeeming statement is made once, for any number of rows and whatever the tables hold: planning costs more than
 * running, and statistics are old where agents have been registered by the thousand.
 */
export const REDEEM_SESSION = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off'

/**
 * Group commit: what is asked for in one turn of the event loop, or while another statement is under way, goes to the database in one
 * statement. It goes as soon as it has as many redemptions as are under way, or enough: most of a statement's cost does not grow with its
 * rows, and few that take turns keep both processes busy. A redemption is sent after it was asked for, never before, so its snapshot
 * sees all that was acknowledged by then. A statement that takes long, for the disk or for a lock, holds nobody up: others go beside it.
 */
export function createRedeemer(pool: pg.Pool): Redeemer {
  let queue: Waiting[] = []
  let statements = 0
  /** Redemptions in statements that are not late. */
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
  /** Of very many, each statement has its share: what it costs the database grows little with its rows. */
  const enough = () => Math.max(WORTH_ONE, (queue.length + underWay) / MAX_STATEMENTS)
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
    // The rest of the turn may take as long as the statement does.
    if (queue.length >= enough()) sendWaiting()
    else schedule()
    return promise
  }
}
