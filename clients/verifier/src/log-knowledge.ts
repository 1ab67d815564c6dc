import { type Moment, msSince, NEVER } from '@auth4agent/core/platform/moment'
import type { LogPosition, RevocationRecord, TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import { applyRecord, beginSession, forgetExpired, type LogSession, reachHead } from './log-session.ts'

/** Clocks differ. */
const FORGET_LATER_MS = 60_000

/**
 * What is known of the revocation log, and how old that is. Answers come from one session while another is read that replaces it once
 * it is whole, so what is known to be revoked stays refused meanwhile. It does no I/O: its owner reads the log.
 */
export class LogKnowledge {
  /** Answers come from it. */
  #current: LogSession = beginSession()
  /** What is being read, over as many connections as it takes; the same one after a head has confirmed it. */
  #reading: LogSession = beginSession()
  #version = 0
  #knownAt: Moment = NEVER
  #forgottenThroughMs = 0

  /** The log cannot be gone on with: it is read anew from its beginning. */
  beginAgain(): void {
    this.#reading = beginSession()
    this.#knownAt = NEVER
  }

  /** The next record was read. Throws FeedError where it does not follow. */
  apply(record: RevocationRecord): void {
    applyRecord(this.#reading, record)
    if (!this.isReplacing) this.#version += 1
  }

  /** The log was said to end here. Throws FeedError where something is missing. Nothing is known to be current until `confirm`. */
  reach(position: LogPosition): void {
    reachHead(this.#reading, position)
  }

  /** The head is believed: what was read is what is known, as it stood at `moment`. */
  confirm(moment: Moment): void {
    if (this.isReplacing) this.#version += 1
    this.#current = this.#reading
    if (msSince(moment) < msSince(this.#knownAt)) this.#knownAt = moment
  }

  /** Forgets what ended tokens that expired before a time, in Unix milliseconds. */
  forget(beforeMs: number): void {
    this.#forgottenThroughMs = Math.max(this.#forgottenThroughMs, beforeMs - FORGET_LATER_MS)
    forgetExpired(this.#current, this.#forgottenThroughMs)
  }

  /** Nobody follows the log any more. */
  close(): void {
    this.#knownAt = NEVER
  }

  /** Whether what is read is yet to replace what is answered from. */
  get isReplacing(): boolean {
    return this.#reading !== this.#current
  }

  /** Where reading goes on. */
  get position(): LogPosition | undefined {
    return this.#reading.applied
  }

  get version(): number {
    return this.#version
  }

  lookup(token: TokenIdentity): Verdict | undefined {
    return this.#current.state.lookup(token)
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
