import type { Clock, LogStore, Member } from './ports.ts'

/**
 * Creates the function that removes the leases of dead log followers, so that no revocation waits for them. A log
 * follower is dead when its renewals have not changed for the length of its lease, by the monotonic clock of this
 * process.
 */
export function createEviction(
  store: Pick<LogStore, 'remove'>,
  clock: Clock,
): (seen: readonly Member[]) => Promise<void> {
  let known = new Map<string, { readonly renewals: number; readonly since: number }>()
  return async (members) => {
    const now = clock.monotonic()
    const next = new Map<string, { renewals: number; since: number }>()
    for (const { incarnation, renewals, leaseMs } of members) {
      const before = known.get(incarnation)
      const since = before?.renewals === renewals ? before.since : now
      if (now - since > leaseMs) await store.remove(incarnation, renewals)
      else next.set(incarnation, { renewals, since })
    }
    known = next
  }
}
