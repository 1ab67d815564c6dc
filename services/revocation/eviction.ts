import type { Clock, LogStore, Member } from './ports.ts'

/**
 * Makes the function that removes verifiers whose renewals have not moved for as long as their lease, by this process's own
 * monotonic clock: dead ones, so that nobody has to wait for them.
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
