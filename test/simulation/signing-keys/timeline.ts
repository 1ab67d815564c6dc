/** True time in seconds, and its events. */
export interface Timeline {
  readonly now: () => number
  after(seconds: number, run: () => void): void
  /** Lets time pass without events: every planned event is postponed by the same time. */
  skip(seconds: number): void
  /** Runs for this long, without the skipped time, or until `isOver`. */
  run(seconds: number, isOver: () => boolean): void
}

interface Planned {
  at: number
  readonly run: () => void
}

/** Creates an empty timeline at time 0. */
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
