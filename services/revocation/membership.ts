import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { Acknowledgement, RevocationBus } from './ports.ts'
import { apply, hasGap, type Session } from './session.ts'

/**
 * The result of receiving a record, in this order: it is applied (now or before), it comes after a gap, it belongs to
 * another log, it does not follow the last record, or the log follower has no session.
 */
type Heard = 'in effect' | 'ahead' | 'of another log' | 'no successor' | 'unheard'

/**
 * The state of a log follower: outside, or in one session. Each change of state is one method. A log follower that is
 * outside ignores records and acknowledges nothing.
 */
export class Membership {
  readonly #bus: RevocationBus
  #session: Session | undefined
  #last: Session | undefined
  /** Incarnations that this log follower has left, but for which other processes may still wait. */
  readonly #left: string[] = []
  /** Processes that have published records and wait for acknowledgements. */
  readonly #repliesTo = new Set<string>()
  /** Whether an acknowledgement must be written to the database. */
  #owesDatabase = false

  constructor(bus: RevocationBus) {
    this.#bus = bus
  }

  get session(): Session | undefined {
    return this.#session
  }

  /** The first incarnation whose lease row must still be removed. */
  get left(): string | undefined {
    return this.#left[0]
  }

  /** The position up to which the log is applied. Undefined while there is no row in `verifiers`. */
  get acknowledged(): Acknowledgement | undefined {
    if (this.#session?.isMember !== true) return undefined
    const { incarnation, applied } = this.#session
    return { incarnation, logEpoch: applied.logEpoch, sequence: applied.sequence }
  }

  /** The session that was left last. Undefined after `enter` or `forgetLast`. */
  get last(): Session | undefined {
    return this.#last
  }

  enter(session: Session): void {
    this.#session = session
    this.#last = undefined
  }

  /** Forgets the session that was left last, because its state may need a lot of memory. */
  forgetLast(): void {
    this.#last = undefined
  }

  /** Leaves the session. Its incarnation stays in `left` until `forgetLeft`. */
  leave(): Session | undefined {
    const session = this.#session
    if (session === undefined) return undefined
    this.#left.push(session.incarnation)
    this.#last = session
    this.#session = undefined
    return session
  }

  forgetLeft(): void {
    this.#left.shift()
  }

  /** Receives a record, in any order and repeatedly. The process `replyTo` waits until the record is applied. */
  hear(record: RevocationRecord, replyTo: string | undefined): Heard {
    const session = this.#session
    if (session === undefined) return 'unheard'
    if (replyTo !== undefined) this.#repliesTo.add(replyTo)
    const { applied } = session
    // Already applied. The caller acknowledges again, because the first acknowledgement may have been lost.
    if (record.sequence <= applied.sequence) return 'in effect'
    // A record of an older log epoch was lost with its primary before any log follower acknowledged it.
    if (record.logEpoch < applied.logEpoch) return 'of another log'
    session.known = Math.max(session.known, record.sequence)
    if (record.sequence > applied.sequence + 1) return 'ahead'
    return apply(session, record) ? 'in effect' : 'no successor'
  }

  /**
   * Sends an acknowledgement over the bus to each process that waits. Returns whether it must also be written to the
   * database.
   */
  acknowledge(): boolean {
    const acknowledgement = this.acknowledged
    if (acknowledgement === undefined) return false
    for (const replyTo of this.#repliesTo) this.#bus.publishAcknowledgement(acknowledgement, replyTo)
    if (!hasGap(this.#session)) this.#repliesTo.clear()
    if (!this.#bus.isConnected) this.oweDatabase()
    return this.#owesDatabase
  }

  /** Notes that the acknowledgement must be written to the database, for processes that the bus does not reach. */
  oweDatabase(): void {
    this.#owesDatabase = true
  }

  /** Returns the session if its position must be written to the database, and then forgets that. */
  takeDebt(): Session | undefined {
    if (!this.#owesDatabase || this.#session === undefined) return undefined
    this.#owesDatabase = false
    return this.#session
  }
}
