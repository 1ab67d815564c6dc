import { present } from '@auth4agent/core/platform/moment'
import { type Follower, followRevocations } from '@auth4agent/core/revocation/follower'
import { MAX_LOG_RECORDS } from '@auth4agent/core/revocation/log-session'
import type { Logger } from '../../../platform/log/log.ts'
import type { KnownIssuer } from '../known-issuer.ts'
import { type LogFeedDeps, logFeed } from './log-feed.ts'

/** The revocation logs of the issuers whose mode is log, as this process follows them. */
export interface ForeignLogs {
  /** The follower of an issuer's log; undefined if this process does not follow it. */
  of(issuer: string): Follower | undefined
  /** Follows the logs of these issuers, and no others. */
  follow(issuers: ReadonlyMap<string, KnownIssuer>): void
  /** When the knowledge of an issuer's revocations was complete, in Unix milliseconds; undefined before that. */
  asOf(issuer: string): number | undefined
  close(): void
}

/** Options of createForeignLogs. */
export interface ForeignLogsOptions extends LogFeedDeps {
  readonly skewMs: number
  readonly log: Pick<Logger, 'warn' | 'info'>
  /** The most records that all logs together keep in memory. */
  readonly maxRecords?: number
  /** Called for each edge that a log ends. A log ends only edges of its own deployment. */
  readonly onEdge: (issuerId: string, edgeId: string) => void
  /** Called for each key that a log ends, which is a key of its own deployment. */
  readonly onKey: (issuerId: string, kid: string) => void
  /** Resolves when keys that are younger than `ageMs` are known. Rejects if they cannot be fetched. */
  readonly renewKeys: (issuerId: string, ageMs: number) => Promise<void>
}

/**
 * Creates the followers, without any at first. Together they keep as many records as the follower of one log, in equal
 * shares. An issuer whose log is longer than its share becomes stale, and no other issuer.
 */
export function createForeignLogs(options: ForeignLogsOptions): ForeignLogs {
  const { skewMs, log, maxRecords = MAX_LOG_RECORDS, onEdge, onKey, renewKeys } = options
  const following = new Map<string, { readonly follower: Follower; readonly generation: number }>()

  const begin = (issuer: KnownIssuer): Follower => {
    let isFailing = false
    const feed = logFeed(options, issuer, (event) => {
      if (event.kind === 'record' && event.record.kind === 'edge') onEdge(issuer.id, event.record.subject)
    })
    const keys = {
      end: (kid: string) => onKey(issuer.id, kid),
      renew: (ageMs: number) => renewKeys(issuer.id, ageMs),
    }
    return followRevocations({
      feed,
      keys,
      maxStalenessMs: issuer.maxStalenessMs,
      skewMs,
      onlyGrows: true,
      maxRecords: () => Math.floor(maxRecords / following.size),
      onProblem(error) {
        if (!isFailing) log.warn({ issuer: issuer.issuer, error }, "an issuer's revocation log cannot be followed")
        isFailing = true
      },
      onSuccess() {
        if (isFailing) log.info({ issuer: issuer.issuer }, "an issuer's revocation log is followed again")
        isFailing = false
      },
    })
  }
  const end = (issuer: string) => {
    following.get(issuer)?.follower.close()
    following.delete(issuer)
  }
  return {
    of: (issuer) => following.get(issuer)?.follower,
    follow(issuers) {
      const wanted = [...issuers.values()].filter(({ isEnabled, mode }) => isEnabled && mode === 'log')
      for (const [issuer, { generation }] of following) {
        if (!wanted.some((each) => each.issuer === issuer && each.generation === generation)) end(issuer)
      }
      for (const each of wanted) {
        if (!following.has(each.issuer)) {
          following.set(each.issuer, { follower: begin(each), generation: each.generation })
        }
      }
    },
    asOf(issuer) {
      const now = present()
      const ageMs = following.get(issuer)?.follower.ageMs(now)
      // Ages have fractions of a millisecond, which a Timestamp cannot have.
      return ageMs === undefined || !Number.isFinite(ageMs) ? undefined : Math.floor(now.wall - ageMs)
    },
    close() {
      for (const issuer of following.keys()) end(issuer)
    },
  }
}
