import { type Moment, msSince, NEVER } from '../platform/moment.ts'
import type { Verdict } from '../token/verdicts.ts'
import { applyRecord, beginSession, forgetExpired, type LogSession, reachHead } from './log-session.ts'
import type { LogPosition, RevocationRecord, TokenIdentity, TrustBasis, TrustVerdict } from './revocation-log.ts'

/** Rules for the knowledge from a log. */
export interface KnowledgeRules {
  /** Returns the most records to keep. If the log has more, it cannot be read. */
  readonly maxRecords?: (() => number) | undefined
  /**
   * Whether to refuse a log that lacks records which it had in the same log epoch. Its server may have been restored
   * from a backup, or there are two servers that differ.
   */
  readonly onlyGrows?: boolean | undefined
}

/** Records are kept for these milliseconds longer, because clocks differ. */
const FORGET_LATER_MS = 60_000

/**
 * Holds the knowledge from the revocation log, and its age. If the log must be read again, a new session is filled
 * while the old session still answers. The new session replaces the old one when it is complete. So revoked tokens
 * stay refused meanwhile. This class does no I/O: the follower reads the log.
 *
 * @example
 * ```ts
 * import { LogKnowledge } from '@auth4agent/core/revocation/log-knowledge'
 *
 * const known = new LogKnowledge()
 * known.apply(record)
 * ```
 */
export class LogKnowledge {
  readonly #rules: KnowledgeRules
  /** The session that answers. */
  #current: LogSession
  /**
   * The session that is being read, over one or more connections. It is the same as `#current` after a head has
   * confirmed it.
   */
  #reading: LogSession
  #version = 0
  #knownAt: Moment = NEVER
  #forgottenThroughMs = 0
  /** Where the last session that answered ends. */
  #end: LogPosition | undefined

  constructor(rules: KnowledgeRules = {}) {
    this.#rules = rules
    this.#current = beginSession(rules)
    this.#reading = beginSession(rules)
  }

  /** Starts a new session, because reading cannot continue from the last position. */
  beginAgain(): void {
    if (this.#current.isWhole) this.#end = this.#current.applied
    const { maxRecords, onlyGrows = false } = this.#rules
    this.#reading = beginSession({ maxRecords, after: onlyGrows ? this.#end : undefined })
    this.#knownAt = NEVER
  }

  /** Applies the next record. Throws FeedError as {@link applyRecord} does. */
  apply(record: RevocationRecord): void {
    applyRecord(this.#reading, record)
    if (!this.isReplacing) this.#version += 1
  }

  /**
   * Checks that the log ends at this position. Throws FeedError if a record is missing. The age does not change until
   * `confirm` is called.
   */
  reach(position: LogPosition): void {
    reachHead(this.#reading, position)
  }

  /** Accepts the head: from now on, the session that was read answers. Its knowledge is as old as `moment`. */
  confirm(moment: Moment): void {
    if (this.isReplacing) this.#version += 1
    this.#current = this.#reading
    if (msSince(moment) < msSince(this.#knownAt)) this.#knownAt = moment
  }

  /** Forgets the records about tokens that expired before a time in Unix milliseconds. */
  forget(beforeMs: number): void {
    this.#forgottenThroughMs = Math.max(this.#forgottenThroughMs, beforeMs - FORGET_LATER_MS)
    forgetExpired(this.#current, this.#forgottenThroughMs)
  }

  /** Makes the age of the knowledge infinite. */
  close(): void {
    this.#knownAt = NEVER
  }

  /** Whether the session that is being read has not yet replaced the session that answers. */
  get isReplacing(): boolean {
    return this.#reading !== this.#current
  }

  /** The position at which reading continues. */
  get position(): LogPosition | undefined {
    return this.#reading.applied
  }

  get version(): number {
    return this.#version
  }

  lookup(token: TokenIdentity): Verdict | undefined {
    return this.#current.state.lookup(token)
  }

  lookupTrust(basis: TrustBasis): TrustVerdict | undefined {
    return this.#current.state.lookupTrust(basis)
  }

  ageMs(now: Moment): number {
    return msSince(this.#knownAt, now)
  }

  get forgottenThroughS(): number {
    return Math.floor(this.#forgottenThroughMs / 1_000)
  }

  get size(): number {
    return this.#current.state.size
  }
}
