import type {
  RevocationRecord,
  TokenIdentity,
  TrustBasis,
  TrustVerdict,
} from '@auth4agent/core/revocation/revocation-log'
import type { RevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { Logger } from '../platform/log/log.ts'
import { createEviction } from './eviction.ts'
import { Membership } from './membership.ts'
import type { Acknowledgement, LogSignals, RevocationBus } from './ports.ts'
import { catchUp, hasGap, holdsLease, load, renew, resume, type SessionDeps, UnknownKindError } from './session.ts'

/** Dependencies of createLogFollower. */
export interface LogFollowerDeps extends SessionDeps {
  readonly bus: RevocationBus
  readonly signals: LogSignals
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Called after it has applied records from the database: how many, and when it began, in monotonic milliseconds. */
  readonly onCaughtUp?: ((records: number, startedAt: number) => void) | undefined
}

/** Follows the log, and answers from memory while it holds a lease. */
export interface LogFollower {
  /**
   * Returns why a token is not valid, or undefined for a valid token. Returns 'unknown' if it has no lease now. The
   * caller must then ask the database.
   */
  check(token: TokenIdentity): Verdict | 'unknown' | undefined
  /** Returns why a decision about trust has ended, as {@link LogFollower.check} does for a token. */
  checkTrust(basis: TrustBasis): TrustVerdict | 'unknown' | undefined
  /** Returns those of the keys that are retired or compromised. Returns 'unknown' if it has no lease now. */
  endedKeys(kids: readonly string[]): ReadonlySet<string> | 'unknown'
  /**
   * Receives a committed record. Records may arrive in any order and repeatedly. `replyTo` names the process that
   * published the record and waits for an acknowledgement.
   */
  receive(record: RevocationRecord, replyTo?: string): void
  /** The position up to which it has applied the log. Undefined while it has no row in `verifiers`. */
  readonly acknowledged: Acknowledgement | undefined
  /** The current incarnation. Undefined while it does not follow the log. */
  readonly incarnation: string | undefined
  /** Whether it may answer from memory now. */
  readonly holdsLease: boolean
  /**
   * Whether it has once held a lease, or has found that this version cannot read the log, so that the database answers
   * instead. A lease that is lost later changes nothing: the database answers until there is a new one.
   */
  readonly hasBegun: boolean
  /** The sequence of the last applied record, or 0 before it has read the log. */
  readonly sequence: number
  start(): void
  /** Gives up the lease. */
  stop(): Promise<void>
}

/** How often a lease is renewed within its length. */
const RENEWALS = 4
/** How long to wait until the bus delivers a record that the database has announced, in milliseconds. */
const BUS_GRACE_MS = 20
/** Pause before a new incarnation begins, in milliseconds. */
const AGAIN_MS = 10
/** Pause after a record of an unknown kind, in lengths of the lease. */
const UNKNOWN_KIND_PAUSE = 15

/**
 * Creates a log follower. services/revocation/README.md explains why it is correct. A lease begins before its renewal
 * is sent. It takes effect when the head that was read after the renewal's commit is applied. It ends when it has run
 * out by the monotonic clock or by the wall clock.
 */
export function createLogFollower(deps: LogFollowerDeps): LogFollower {
  const { store, bus, signals, clock, leaseMs, log, onCaughtUp } = deps
  const stopping = new AbortController()
  const membership = new Membership(bus)
  let running: Promise<void> | undefined
  let hasBegun = false
  let alarm = new AbortController()
  const wake = () => alarm.abort()

  const acknowledge = () => {
    if (membership.acknowledge()) wake()
  }
  const acknowledgeEverywhere = () => {
    membership.oweDatabase()
    acknowledge()
    wake()
  }
  const beginAgain = (why: string) => {
    const session = membership.leave()
    if (session === undefined) return
    log.info({ incarnation: session.incarnation, why }, 'a log follower begins a new incarnation')
    wake()
  }
  const receive = (record: RevocationRecord, replyTo?: string) => {
    const heard = membership.hear(record, replyTo)
    if (heard === 'in effect') acknowledge()
    if (heard === 'ahead') wake()
    if (heard === 'no successor') beginAgain('a record does not follow')
  }
  let announced = 0
  bus.onRecord(receive)
  signals.onRecord((sequence) => {
    announced = Math.max(announced, sequence)
    const { session } = membership
    if (session !== undefined && session.applied.sequence < sequence) wake()
  })

  const caughtUp = (records: number, startedAt: number) => {
    if (records > 0) onCaughtUp?.(records, startedAt)
  }
  const evict = createEviction(store, clock, leaseMs)
  const resumed = async () => {
    const { last } = membership
    const session = last && (await resume(deps, last))
    membership.forgetLast()
    return session
  }
  const pass = async () => {
    // The follower no longer answers under these incarnations, so no revocation needs to wait for them.
    for (let { left } = membership; left !== undefined; left = membership.left) {
      await store.remove(left)
      membership.forgetLeft()
    }
    if (membership.session === undefined) membership.enter((await resumed()) ?? (await load(deps)))
    const { session } = membership
    if (session === undefined) return
    const before = session.applied.sequence
    const startedAt = clock.monotonic()
    const renewed = await renew(deps, session)
    if (renewed === undefined) return beginAgain('its lease row was removed, or the log is a different one')
    hasBegun = true
    if (renewed.hasMoved) acknowledgeEverywhere()
    caughtUp(session.applied.sequence - before, startedAt)
    await evict(session.incarnation)
  }
  const follow = async () => {
    for (;;) {
      const { session } = membership
      const before = session?.applied.sequence ?? 0
      if (session === undefined || before >= Math.max(announced, session.known)) return
      const startedAt = clock.monotonic()
      if (!(await catchUp(store, session))) return beginAgain('a record does not follow')
      if (session.applied.sequence === before) return
      acknowledgeEverywhere()
      caughtUp(session.applied.sequence - before, startedAt)
    }
  }
  const payDebt = async () => {
    const session = membership.takeDebt()
    if (session !== undefined) await store.acknowledge(session.incarnation, session.applied)
  }
  const run = async () => {
    let renewedAt = Number.NEGATIVE_INFINITY
    const isDue = () => membership.session === undefined || clock.monotonic() - renewedAt >= leaseMs / RENEWALS
    let pause = 0
    while (!stopping.signal.aborted) {
      try {
        if (isDue()) {
          renewedAt = clock.monotonic()
          await pass()
        } else await follow()
        await payDebt()
        const isOutside = membership.session === undefined
        const next = isOutside ? clock.monotonic() + AGAIN_MS : renewedAt + leaseMs / RENEWALS
        pause = Math.max(0, next - clock.monotonic())
      } catch (error) {
        log.warn({ error }, 'the revocation log could not be followed')
        if (error instanceof UnknownKindError) hasBegun = true
        // It is unknown whether the join has committed. An incarnation may join only once, so begin a new one.
        if (membership.session?.isMember === false) beginAgain('its lease could not be committed')
        pause = error instanceof UnknownKindError ? leaseMs * UNKNOWN_KIND_PAUSE : leaseMs / RENEWALS
      }
      if (stopping.signal.aborted) break
      const { session } = membership
      if (pause > 0) await clock.sleep(pause, session === undefined ? stopping.signal : alarm.signal)
      const waitsForBus = alarm.signal.aborted && bus.isConnected && !hasGap(membership.session)
      if (waitsForBus) await clock.sleep(BUS_GRACE_MS, stopping.signal)
      alarm = new AbortController()
    }
  }
  const answer = <T>(read: (state: RevocationState) => T): T | 'unknown' => {
    const { session } = membership
    if (session === undefined || !holdsLease(session, deps)) return 'unknown'
    const found = read(session.state)
    // The process may have been stopped between any two instructions, so the lease is checked again.
    return holdsLease(session, deps) ? found : 'unknown'
  }
  return {
    check: (token) => answer((state) => state.lookup(token)),
    checkTrust: (basis) => answer((state) => state.lookupTrust(basis)),
    endedKeys: (kids) => answer((state) => new Set(kids.filter((kid) => state.hasKeyEnded(kid)))),
    receive,
    get acknowledged() {
      return membership.acknowledged
    },
    get incarnation() {
      return membership.session?.incarnation
    },
    get holdsLease() {
      return membership.session !== undefined && holdsLease(membership.session, deps)
    },
    get hasBegun() {
      return hasBegun
    },
    get sequence() {
      return membership.session?.applied.sequence ?? 0
    },
    start() {
      running ??= run()
    },
    async stop() {
      stopping.abort()
      wake()
      await running
      const last = membership.leave()
      if (last?.isMember) await store.remove(last.incarnation).catch(() => undefined)
    },
  }
}
