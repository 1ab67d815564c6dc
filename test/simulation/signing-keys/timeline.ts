/** True time, in seconds, and what is to happen in it. */
export interface Timeline {
  readonly now: () => number
  after(seconds: number, run: () => void): void
  /** Lets time pass in which nothing happens; all that is to happen comes later by as much. */
  skip(seconds: number): void
  /** Runs for so long, but for what is skipped, or until `isOver`. */
  run(seconds: number, isOver: () => boolean): void
}

interface Planned {
  at: number
  readonly run: () => void
}

/** Nothing planned, at time 0. */
export function createTimeline(): Timeline {
  const planned: Planned[] = []
  let now = 0
  let end = 0
  const takeFirst = () => {
    let first: Planned | undefined
    for (const each of planned) if (first === undefined || each.at < first.at) first = each
    if (first === undefined || first.at > end) return undefined
    planned.splice(planned.indexOf(first), 1)
    return first
  }
  return {
    now: () => now,
    after: (seconds, run) => planned.push({ at: now + seconds, run }),
    skip(seconds) {
      now += seconds
      end += seconds
      for (const each of planned) each.at += seconds
    },
    run(seconds, isOver) {
      end = now + seconds
      for (let next = takeFirst(); next !== undefined; next = takeFirst()) {
        now = next.at
        next.run()
        if (isOver()) return
      }
      now = end
    },
  }
}
