import { type Moment, msSince, NEVER } from '@auth4agent/core/platform/moment'
import type { Follower } from '@auth4agent/core/revocation/follower'
import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Process } from './clocks.ts'
import type { Database, Link } from './database.ts'
import { LEASE_MS } from './schedule.ts'

/** How old the knowledge of the other deployment's log may be, by the clocks of a process, in milliseconds. */
export const HOME_STALENESS_MS = LEASE_MS
/** The same in true time, because clocks run up to 4 % too slow. */
export const HOME_BOUND_MS = HOME_STALENESS_MS / 0.96
const HEARTBEAT_MS = LEASE_MS / 5

/** Follows the log of another deployment. Its knowledge is as old as the last request that was answered. */
export function followHome(database: Database, process: Process, link: Link): Follower {
  const { clock } = process
  const look = (): Moment => ({ monotonic: clock.monotonic(), wall: clock.wall() })
  const state = createRevocationState()
  let applied = 0
  let knownAt = NEVER
  const read = async () => {
    const asked = look()
    const records = await database.read(process, link, ({ log }) => log.slice(applied))
    for (const record of records) state.apply(record)
    applied += records.length
    knownAt = asked
  }
  const run = async () => {
    for (;;) {
      await read().catch(() => undefined)
      await clock.sleep(HEARTBEAT_MS)
    }
  }
  void run()
  return {
    version: 0,
    lookup: (token) => state.lookup(token),
    lookupTrust: (basis) => state.lookupTrust(basis),
    ageMs: () => msSince(knownAt, look()),
    forgottenThroughS: 0,
    size: 0,
    ready: Promise.resolve(),
    close: () => undefined,
  }
}
