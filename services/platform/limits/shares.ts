/** How places are shared between keys. */
export interface ShareRules {
  /** Places in total. */
  readonly max: number
  /**
   * A key gets its first place while any place is free. It gets another place while the number of its places is
   * smaller than this part (0 to 1) of the free places.
   */
  readonly part: number
  /** How long a kept place is reserved for its key, in milliseconds. */
  readonly keptMs: number
}

/** A place that a key has taken. */
export interface Place {
  /**
   * Gives the place back. Call it once. If `isKept` is true, the same key can take the place at once, and other keys
   * can take it after `keptMs`.
   */
  giveBack(isKept: boolean): void
}

/** Takes a place for a key. Returns undefined if the key gets none. */
export type Shares = (key: string) => Place | undefined

/** The places of one key. */
interface Holder {
  open: number
  /** One timer for each place that is reserved for the key. */
  readonly kept: NodeJS.Timeout[]
}

/**
 * Creates shares. When fewer places are free, one key may have fewer places. Kept places count as taken. With
 * `part` = p, n keys that take as many places as they can get have max·p/(1 + n·p) places each. They leave
 * max/(1 + n·p) places free for others.
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
