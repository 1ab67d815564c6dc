/** Sends one item together with others, and resolves with its own result. */
export type GroupCommit<Item, Result> = (item: Item) => Promise<Result>

/** How items share statements. */
export interface GroupCommitOptions<Item, Result> {
  /** Sends a batch as one statement, and returns the results in the order of the items. */
  readonly send: (batch: readonly Item[]) => Promise<readonly Result[]>
  /** Maximum number of items in one statement. They all finish together, so each waits for the whole batch. */
  readonly maxBatch: number
  /** Maximum number of statements at the same time, and so of connections. */
  readonly maxStatements: number
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/** A batch with fewer items than this waits while the running statements together have more of them. */
const MIN_BATCH = 12
/** Milliseconds for which a running statement may delay a smaller batch. */
const PATIENCE_MS = 5

/**
 * Collects items that arrive in one turn of the event loop, or while another statement is running, and sends them as
 * one statement, and so with one commit.
 *
 * While fewer than `maxStatements` run, the waiting items are sent when they are at least as many as the items in all
 * running statements, or at least `enough()`. The reason: most of the cost of a statement does not depend on its rows,
 * and a few statements at a time keep this process and the database busy. A statement that takes longer than
 * PATIENCE_MS, because of the disk or a lock, no longer counts in this comparison.
 *
 * A statement begins after its items have arrived. So the statement sees every change whose call had returned before.
 */
export function createGroupCommit<Item, Result>(options: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  const { maxBatch, maxStatements } = options
  let queue: Waiting<Item, Result>[] = []
  let statements = 0
  /** Number of items in running statements, except statements that have run for longer than PATIENCE_MS. */
  let underWay = 0
  let isScheduled = false

  const send = async (batch: readonly Waiting<Item, Result>[]) => {
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
      settle(batch, await options.send(batch.map(({ item }) => item)))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      statements -= 1
      clearTimeout(patience)
      giveWay()
    }
  }
  /** Returns how many items are enough for a batch. Under high load this is an equal share for each statement. */
  const enough = () => Math.max(MIN_BATCH, (queue.length + underWay) / maxStatements)
  const maySend = () => statements < maxStatements && queue.length > 0 && queue.length >= Math.min(underWay, enough())
  const sendWaiting = () => {
    while (maySend()) {
      const batch = queue.slice(0, maxBatch)
      queue = queue.slice(maxBatch)
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
  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    queue.push({ item, resolve, reject })
    // With enough items, send at once: the rest of this turn may take as long as the statement.
    if (queue.length >= enough()) sendWaiting()
    else schedule()
    return promise
  }
}

function settle<Item, Result>(batch: readonly Waiting<Item, Result>[], results: readonly Result[]): void {
  if (results.length !== batch.length) throw new Error('A statement returned another number of results')
  for (const [index, result] of results.entries()) batch[index]?.resolve(result)
}
