/** Does some work at the end of this turn of the event loop, in the order in which it was given. */
export type AtEndOfTurn = (work: () => void) => void

/**
 * Collects what one turn of the event loop leaves to write. Written one by one, each answer would wake a caller that had gone to
 * sleep waiting for it, which costs a busy server more than many an answer does; written together, the first wakes it for all.
 */
export function createEndOfTurn(): AtEndOfTurn {
  let waiting: (() => void)[] = []
  const run = () => {
    const now = waiting
    waiting = []
    for (const work of now) work()
  }
  return (work) => {
    if (waiting.push(work) === 1) setImmediate(run)
  }
}
