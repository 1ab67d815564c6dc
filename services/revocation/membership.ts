import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { Acknowledgement, RevocationBus } from './ports.ts'
import { apply, hasGap, type Session } from './session.ts'

/** What became of a record that was heard: in effect now or before, ahead of a gap, of another log, or no successor. */
type Heard = 'in effect' | 'ahead' | 'of another log' | 'no successor' | 'unheard'

/**
 * A process's place among those that a revocation waits for. It is outside, or in one session at a time; each change is one method.
 * Outside it hears nothing and acknowledges nothing.
 */
export class Membership {
  readonly #bus: RevocationBus
  #session: Session | undefined
  /** Incarnations under which nothing is answered any more, and which others may still wait for. */
  readonly #left: string[] = []
  /** Who has published records that are not acknowledged yet. */
  readonly #repliesTo = new Set<string>()
  #owesDatabase = false

  constructor(bus: RevocationBus) {
    this.#bus = bus
  }

  get session(): Session | undefined {
    return this.#session
  }

  /** The first incarnation whose lease is still to be given back. */
  get left(): string | undefined {
    return this.#left[0]
  }

  /** What is in effect; undefined while there is no lease to give. */
  get acknowledged(): Acknowledgement | undefined {
    if (this.#session?.isMember !== true) return undefined
    const { incarnation, applied } = this.#session
    return { incarnation, logEpoch: applied.logEpoch, sequence: applied.sequence }
  }

  enter(session: Session): void {
    this.#session = session
  }

  /** Leaves the session. Its incarnation stays in `left` until `forgetLeft`. */
  leave(): Session | undefined {
    const session = this.#session
    if (session !== undefined) this.#left.push(session.incarnation)
    this.#session = undefined
    return session
  }

  forgetLeft(): void {
    this.#left.shift()
  }

  /** Takes a record, in whatever order, however often; `replyTo` waits for it to be in effect. */
  hear(record: RevocationRecord, replyTo: string | undefined): Heard {
    const session = this.#session
    if (session === undefined) return 'unheard'
    if (replyTo !== undefined) this.#repliesTo.add(replyTo)
    const { applied } = session
    // It is known already; the acknowledgement may have been lost.
    if (record.sequence <= applied.sequence) return 'in effect'
    // It was never acknowledged, and was lost with its primary.
    if (record.logEpoch < applied.logEpoch) return 'of another log'
    session.known = Math.max(session.known, record.sequence)
    if (record.sequence > applied.sequence + 1) return 'ahead'
    return apply(session, record) ? 'in effect' : 'no successor'
  }

  /** Tells those who wait on the bus what is in effect. Answers whether the database has to be told as well. */
  acknowledge(): boolean {
    const acknowledgement = this.acknowledged
    if (acknowledgement === undefined) return false
    for (const replyTo of this.#repliesTo) this.#bus.publishAcknowledgement(acknowledgement, replyTo)
    if (!hasGap(this.#session)) this.#repliesTo.clear()
    if (!this.#bus.isConnected) this.oweDatabase()
    return this.#owesDatabase
  }

  /** The database is to be told what is in effect, for those who wait and whom the bus does not reach. */
  oweDatabase(): void {
    this.#owesDatabase = true
  }

  /** The session whose position the database is to be told, once. */
  takeDebt(): Session | undefined {
    if (!this.#owesDatabase || this.#session === undefined) return undefined
    this.#owesDatabase = false
    return this.#session
  }
}
