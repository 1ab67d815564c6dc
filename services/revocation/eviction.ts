import type { Clock, LogStore } from './ports.ts'

/**
 * Creates the function that removes the leases of dead log followers, so that no revocation waits for them. A log
 * follower is dead when its renewals have not changed for the length of its lease, by the monotonic clock of this
 * process.
 *
 * Each log follower watches only its neighbours, because the cost would grow with the square of their number if each
 * read the list of all. So eviction depends on no single log follower. When more neighbours in a row are dead than one
 * log follower watches, removing them takes several lengths of the lease. A revocation in this time waits for them,
 * and then removes their leases itself.
 *
 * @param intervalMs how often the neighbours are read
 */
export function createEviction(
  store: Pick<LogStore, 'remove' | 'neighbours'>,
  clock: Clock,
  intervalMs: number,
): (incarnation: string) => Promise<void> {
  let known = new Map<string, { readonly renewals: number; readonly since: number }>()
  let lookedAt = Number.NEGATIVE_INFINITY
  return async (incarnation) => {
    if (clock.monotonic() < lookedAt + intervalMs) return
    const leases = await store.neighbours(incarnation)
    const now = clock.monotonic()
    lookedAt = now
    const next = new Map<string, { renewals: number; since: number }>()
    for (const { incarnation: other, renewals, leaseMs } of leases) {
      const before = known.get(other)
      const since = before?.renewals === renewals ? before.since : now
      if (now - since > leaseMs) await store.remove(other, renewals)
      else next.set(other, { renewals, since })
    }
    known = next
  }
}
