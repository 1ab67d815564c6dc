import { type Moment, msSince, present } from '@auth4agent/core/platform/moment'

/** Keeps values for a while, the newest ones up to a sum of weights. */
export interface Keeper<V> {
  /** Returns a value that is young enough. */
  get(key: string): V | undefined
  /** Keeps a value that was read at a moment, and drops those that were kept first while all weigh too much. */
  keep(key: string, value: V, facts: { readonly weight: number; readonly readAt: Moment }): void
}

/** Creates a keeper. A value that weighs more than `most` alone is not kept. */
export function createKeeper<V>(limits: { readonly maxAgeMs: number; readonly most: number }): Keeper<V> {
  const kept = new Map<string, { readonly value: V; readonly weight: number; readonly readAt: Moment }>()
  let sum = 0
  const drop = (key: string) => {
    sum -= kept.get(key)?.weight ?? 0
    kept.delete(key)
  }
  return {
    get(key) {
      const found = kept.get(key)
      return found !== undefined && msSince(found.readAt, present()) < limits.maxAgeMs ? found.value : undefined
    },
    keep(key, value, { weight, readAt }) {
      drop(key)
      if (weight > limits.most) return
      kept.set(key, { value, weight, readAt })
      sum += weight
      for (const oldest of kept.keys()) {
        if (sum <= limits.most) return
        drop(oldest)
      }
    },
  }
}
