import type { RevocationRecord, TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type { RevocationState } from '@auth4agent/core/revocation/revocation-state'
import type { Verdict } from '@auth4agent/core/token/verdicts'
import type { Logger } from '../platform/log/log.ts'
import { createEviction } from './eviction.ts'
import type { Acknowledgement, LogSignals, RevocationBus } from './ports.ts'
import { apply, catchUp, hasGap, load, renew, type Session, type SessionDeps, UnknownKindError } from './session.ts'

/** What a log follower works with. */
export interface LogFollowerDeps extends SessionDeps {
  readonly bus: RevocationBus
  readonly signals: LogSignals
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/** Knows what has been ended, and when it may answer from what it knows. */
export interface LogFollower {
  /** Why a token does not stand, or undefined where it stands; 'unknown' without a lease: ask the database. */
  check(token: TokenIdentity): Verdict | 'unknown' | undefined
  /** Which of these keys sign nothing that stands; 'unknown' without a lease. */
  endedKeys(kids: readonly string[]): ReadonlySet<string> | 'unknown'
  /** Takes a record that was committed, in whatever order, however often; `replyTo` published it and waits. */
  receive(record: RevocationRecord, replyTo?: string): void
  /** What it has in effect; undefined while it has no lease to give. */
  readonly acknowledged: Acknowledgement | undefined
  /** Identifies the time for which it has followed one log; undefined while it follows none. */
  readonly incarnation: string | undefined
  /** Whether it answers from memory now. */
  readonly holdsLease: boolean
  /** Where in the log it is; 0 before it has read any. */
  readonly sequence: number
  start(): void
  /** Gives the lease back. */
  stop(): Promise<void>
}

/** Part of a lease that its holder uses, so that clocks which run at different speeds still agree that it is over. */
const USABLE = 0.9
/** Renewals in the time of a lease. */
const RENEWALS = 4
/** How long the bus may take to bring what the database has told of, in milliseconds. */
const BUS_GRACE_MS = 20
/** Pause before beginning again, in milliseconds. */
const AGAIN_MS = 10
/** How many leases long a log follower waits that has met a kind of record it does not know. */
const UNKNOWN_KIND_PAUSE = 15

/**
 * Makes a log follower (services/revocation/README.md has the argument). A lease begins before its renewal is sent, takes effect
 * once the head that was read after the renewal's commit is applied, and is over when either clock says so.
 */
export function createLogFollower(deps: LogFollowerDeps): LogFollower {
  const { store, bus, signals, clock, leaseMs, log } = deps
  const stopping = new AbortController()
  let session: Session | undefined
  let running: Promise<void> | undefined
  let alarm = new AbortController()
  const wake = () => alarm.abort()

  const holds = ({ lease, applied, known }: Session): boolean =>
    lease !== undefined &&
    applied.sequence >= known &&
    clock.monotonic() < lease.monotonic + USABLE * leaseMs &&
    clock.wall() < lease.wall + USABLE * leaseMs

  const acknowledged = (): Acknowledgement | undefined => {
    if (session?.isMember !== true) return undefined
    const { incarnation, applied } = session
    return { incarnation, logEpoch: applied.logEpoch, sequence: applied.sequence }
  }
  /** Who has published records that are not acknowledged yet. */
  const repliesTo = new Set<string>()
  let owesAcknowledgement = false
  const acknowledge = () => {
    const acknowledgement = acknowledged()
    if (acknowledgement === undefined) return
    for (const replyTo of repliesTo) bus.publishAcknowledgement(acknowledgement, replyTo)
    if (!hasGap(session)) repliesTo.clear()
    if (!bus.isConnected) acknowledgeByDatabase()
  }
  /** For those who wait and whom the bus does not reach. */
  const acknowledgeByDatabase = () => {
    owesAcknowledgement = true
    wake()
  }
  const left: string[] = []
  const drop = (why: string) => {
    if (session === undefined) return
    log.info({ incarnation: session.incarnation, why }, 'a log follower begins again')
    left.push(session.incarnation)
    session = undefined
    wake()
  }
  const receive = (record: RevocationRecord, replyTo?: string) => {
    if (session === undefined) return
    if (replyTo !== undefined) repliesTo.add(replyTo)
    const { applied } = session
    // It is known already; the acknowledgement may have been lost.
    if (record.sequence <= applied.sequence) return acknowledge()
    // It was never acknowledged, and was lost with its primary.
    if (record.logEpoch < applied.logEpoch) return
    session.known = Math.max(session.known, record.sequence)
    if (record.sequence > applied.sequence + 1) return wake()
    if (!apply(session, record)) return drop('a record does not follow')
    acknowledge()
  }
  let heard = 0
  bus.onRecord(receive)
  signals.onRecord((sequence) => {
    heard = Math.max(heard, sequence)
    if (session !== undefined && session.applied.sequence < sequence) wake()
  })

  const pass = async () => {
    // Nothing is answered under it any more, so nobody needs to wait for it.
    while (left[0] !== undefined) {
      await store.remove(left[0])
      left.shift()
    }
    session ??= await load(deps)
    const renewed = await renew(deps, session)
    if (renewed === undefined) return drop('its lease is gone, or the log is another')
    if (renewed.hasMoved) {
      acknowledge()
      acknowledgeByDatabase()
    }
    await evict(renewed.members)
  }
  const evict = createEviction(deps.store, clock)
  const follow = async () => {
    for (;;) {
      const current = session
      const before = current?.applied.sequence ?? 0
      if (current === undefined || before >= Math.max(heard, current.known)) return
      if (!(await catchUp(store, current))) return drop('a record does not follow')
      if (current.applied.sequence === before) return
      acknowledge()
      acknowledgeByDatabase()
    }
  }
  const payAcknowledgement = async () => {
    if (!owesAcknowledgement || session === undefined) return
    owesAcknowledgement = false
    await store.acknowledge(session.incarnation, session.applied)
  }
  const run = async () => {
    let renewedAt = Number.NEGATIVE_INFINITY
    const isDue = () => session === undefined || clock.monotonic() - renewedAt >= leaseMs / RENEWALS
    let pause = 0
    while (!stopping.signal.aborted) {
      try {
        if (isDue()) {
          renewedAt = clock.monotonic()
          await pass()
        } else await follow()
        await payAcknowledgement()
        const next = session === undefined ? clock.monotonic() + AGAIN_MS : renewedAt + leaseMs / RENEWALS
        pause = Math.max(0, next - clock.monotonic())
      } catch (error) {
        log.warn({ error }, 'the revocation log could not be followed')
        // Whether it has joined is not known, and an incarnation joins once.
        if (session?.isMember === false) drop('it could not join')
        pause = error instanceof UnknownKindError ? leaseMs * UNKNOWN_KIND_PAUSE : leaseMs / RENEWALS
      }
      if (stopping.signal.aborted) break
      if (pause > 0) await clock.sleep(pause, session === undefined ? stopping.signal : alarm.signal)
      if (alarm.signal.aborted && bus.isConnected && !hasGap(session)) await clock.sleep(BUS_GRACE_MS, stopping.signal)
      alarm = new AbortController()
    }
  }
  const answer = <T>(read: (state: RevocationState) => T): T | 'unknown' => {
    if (session === undefined || !holds(session)) return 'unknown'
    const found = read(session.state)
    // The process may have been stopped for a while between any two instructions.
    return holds(session) ? found : 'unknown'
  }
  return {
    check: (token) => answer((state) => state.lookup(token)),
    endedKeys: (kids) => answer((state) => new Set(kids.filter((kid) => state.hasKeyEnded(kid)))),
    receive,
    get acknowledged() {
      return acknowledged()
    },
    get incarnation() {
      return session?.incarnation
    },
    get holdsLease() {
      return session !== undefined && holds(session)
    },
    get sequence() {
      return session?.applied.sequence ?? 0
    },
    start() {
      running ??= run()
    },
    async stop() {
      stopping.abort()
      wake()
      await running
      const last = session
      session = undefined
      if (last?.isMember) await store.remove(last.incarnation).catch(() => undefined)
    },
  }
}
