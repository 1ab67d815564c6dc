import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import { pruneExpired } from '../platform/db/prune.ts'
import type { Rate } from '../platform/limits/limits.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import { compactLog } from './compact-log.ts'
import { endAllTokensOfDeployment } from './end-all-tokens.ts'
import { createFeed, type FeedDeps } from './feed.ts'
import { createPace } from './pace.ts'
import { revocationPolicies } from './policy.ts'
import { type RevocationDeps, revoke } from './revoke-token.ts'
import { createWatchRevocations } from './watch.ts'

export { HAS_UNKNOWN_RECORD } from './check-token.ts'
export { connectRevocations, type Revocations, systemClock, type TokenStatus } from './connect-revocations.ts'
export { ENDED_KEY_STATES, endedByRows, JOIN_ROWS_OF_TOKEN } from './ended-by-rows.ts'
export { mayRevoke, readRevocable } from './revocable.ts'
export { revokeToken } from './store.ts'

/** The revocation service of a process. */
export interface Revocation {
  readonly module: ServiceModule<typeof RevocationService>
  /** Number of open streams of watchers. */
  readonly watchers: number
  /** Runs the scheduled work once: deletes the revocations of expired tokens and compacts the log. */
  runSchedule(): Promise<void>
}

interface RevocationOptions extends RevocationDeps, FeedDeps {
  /** How many records of the past one caller gets. */
  readonly replayRate: Rate
  /** The time that has certainly passed. It decides which revocations may be deleted. */
  readonly passedTime: PassedTime
}

/** Creates the revocation service: it revokes tokens and sends the log to watchers. */
export function createRevocation(deps: RevocationOptions): Revocation {
  const { db, passedTime, replayRate } = deps
  const feed = createFeed(deps)
  return {
    module: {
      service: RevocationService,
      policies: revocationPolicies,
      handlers: {
        async revokeToken(request, call) {
          const { revokedAt, ...answer } = await revoke(deps, request, call)
          return { ...answer, revokedAt: timestampFromDate(revokedAt) }
        },
        watchRevocations: createWatchRevocations(feed, createPace(replayRate)),
        async endAllTokensOfDeployment({ reason }, call) {
          const { minimumEpoch, at } = await endAllTokensOfDeployment(db.prisma, call, checkReason(reason))
          return { minimumEpoch, endedAt: timestampFromDate(at) }
        },
      },
    },
    get watchers() {
      return feed.watchers
    },
    async runSchedule() {
      await pruneExpired(db.pool, passedTime, 'revoked_tokens', 'expires_at')
      await compactLog(db.pool, passedTime)
    },
  }
}
