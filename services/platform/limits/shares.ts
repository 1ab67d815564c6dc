/** How places are shared between keys. */
export interface ShareRules {
  /** Places in all. */
  readonly max: number
  /** A key gets a further place while it has fewer than this part of the free ones. Its first it gets while any is free. */
  readonly part: number
  /** How long a place that is kept waits for its key to come back, in milliseconds. */
  readonly keptMs: number
}

/** A place that a key has taken. */
export interface Place {
  /** Gives it back, once. A kept one is free at once for the same key, and for others after `keptMs`. */
  giveBack(isKept: boolean): void
}

/** Takes a place for a key; undefined when it gets none. */
export type Shares = (key: string) => Place | undefined

/** What one key has. */
interface Holder {
  open: number
  /** One timer for each place that waits for the key. */
  readonly kept: NodeJS.Timeout[]
}

/**
 * Shares places so that what one key may have shrinks as places run out: with `part` p, n keys that take all they get have
 * max·p/(1 + n·p) each, and leave max/(1 + n·p) free for others. Kept places count as taken.
 */
export function createShares({ max, part, keptMs }: ShareRules): Shares {
  const holders = new Map<string, Holder>()
  let taken = 0
  const forgetIfEmpty = (key: string, { open, kept }: Holder): void => {
    if (open === 0 && kept.length === 0) holders.delete(key)
  }
  const keep = (key: string, holder: Holder): void => {
    const timer = setTimeout(() => {
      holder.kept.splice(holder.kept.indexOf(timer), 1)
      taken -= 1
      forgetIfEmpty(key, holder)
    }, keptMs)
    timer.unref()
    holder.kept.push(timer)
  }
  const place = (key: string, holder: Holder): Place => {
    holder.open += 1
    return {
      giveBack(isKept) {
        holder.open -= 1
        if (isKept && keptMs > 0) keep(key, holder)
        else taken -= 1
        forgetIfEmpty(key, holder)
      },
    }
  }
  return (key) => {
    const holder = holders.get(key) ?? { open: 0, kept: [] }
    const waiting = holder.kept.pop()
    if (waiting === undefined) {
      const free = max - taken
      if (free <= 0 || holder.open >= Math.max(1, part * free)) return undefined
      taken += 1
      holders.set(key, holder)
    } else clearTimeout(waiting)
    return place(key, holder)
  }
}
