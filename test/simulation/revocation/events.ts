/** Virtual time in milliseconds, and its events. */
export interface Events {
  readonly now: () => number
  after(ms: number, run: () => void): void
  /**
   * Runs all events up to `time`, one after the other. All promises that an event settles run their reactions before
   * the next event.
   */
  runUntil(time: number): Promise<void>
}

interface Entry {
  readonly time: number
  /** Of two events at the same time, the one created earlier runs first. */
  readonly order: number
  readonly run: () => void
}

/** Creates an empty queue at time 0. */
export function createEvents(): Events {
  const heap: Entry[] = []
  let now = 0
  let made = 0
  return {
    now: () => now,
    after(ms, run) {
      made += 1
      push(heap, { time: now + Math.max(0, ms), order: made, run })
    },
    async runUntil(time) {
      await settled()
      for (let first = heap[0]; first !== undefined && first.time <= time; first = heap[0]) {
        pop(heap)
        now = first.time
        first.run()
        await settled()
      }
      now = time
    },
  }
}

/**
 * Resolves when no promise has anything left to do, because Node empties the microtask queue before it runs its ticks.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order)
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isBefore(above, entry)) break
    heap[at] = above
    at = parent
  }
  heap[at] = entry
}

function pop(heap: Entry[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    const left = heap[child]
    if (left === undefined) break
    const right = heap[child + 1]
    if (right !== undefined && isBefore(right, left)) child += 1
    const least = heap[child]
    if (least === undefined || isBefore(last, least)) break
    heap[at] = least
    at = child
  }
  heap[at] = last
}
