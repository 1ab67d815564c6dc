import type { LogFollower } from './log-follower.ts'
import type { Acknowledgement, Clock, LogHead, LogSignals, LogStore, Member, RevocationBus, Standing } from './ports.ts'

/** Dependencies of createSettle. */
export interface SettleDeps {
  readonly store: LogStore
  readonly bus: RevocationBus
  readonly signals: LogSignals
  readonly clock: Clock
  /** The log follower of this process, when it has one. */
  readonly verifier: Pick<LogFollower, 'receive' | 'acknowledged'> | undefined
  /** Receives how long the wait took, in milliseconds, and how many leases had to run out. */
  readonly observe: (ms: number, ranOut: number) => void
}

/**
 * Interval at which the leases are read again while an acknowledgement is missing: it may have been lost. In
 * milliseconds.
 */
const POLL_MS = 50

/**
 * Creates the function that resolves when every log follower of the deployment refuses the tokens that were ended
 * before the call. Each log follower has then acknowledged the head of that time or a later one, or its lease has run
 * out. Where a standby may take over, it has the change too.
 *
 * The caller must have committed its change before, in this request or in an earlier one. The function throws when
 * the database does not answer: then it is not known whether all log followers have the change, and repeating the
 * call completes it.
 */
export function createSettle(deps: SettleDeps): () => Promise<void> {
  const { store, bus, signals, clock, verifier, observe } = deps
  const acknowledgements = createAcknowledgements()
  bus.onAcknowledgement(acknowledgements.note)
  signals.onAcknowledgement(acknowledgements.note)
  let published = 0
  const readStanding = async () => {
    const standing = await store.standing(Math.max(0, published - 1))
    // Every lease that was read here began before this moment.
    const readAt = clock.monotonic()
    const fresh = standing.records.filter(({ sequence }) => sequence > published)
    // Without new records, publish the last one again: its acknowledgements went to the process that published it
    // first.
    for (const record of fresh.length > 0 ? fresh : standing.records.slice(-1)) {
      bus.publishRecord(record)
      verifier?.receive(record)
    }
    published = standing.head.sequence
    return { standing, readAt }
  }
  const missing = (head: LogHead, members: readonly Member[]): readonly Member[] =>
    members.filter(
      ({ incarnation, ...member }) =>
        !covers(member.logEpoch, member.acknowledged, head) &&
        !isCovered(verifier?.acknowledged, incarnation, head) &&
        !isCovered(acknowledgements.of(incarnation), incarnation, head),
    )
  return async () => {
    const startedAt = clock.monotonic()
    const { standing, readAt } = await readStanding()
    const [ranOut] = await Promise.all([waitForMembers(standing, readAt), standing.isReplicated && store.confirm()])
    observe(clock.monotonic() - startedAt, ranOut)
  }

  /** Returns how many leases had to run out. It never waits for the database. */
  async function waitForMembers({ head, members }: Standing, readAt: number): Promise<number> {
    let waiting = members
    let ranOut = 0
    let reading: Promise<boolean> | undefined
    const readAgain = async () => {
      // If the database does not answer, the wait still ends when the leases run out.
      const read = await readStanding().catch(() => undefined)
      if (read !== undefined) waiting = asReadNow(waiting, read.standing.members)
      reading = undefined
      return false
    }
    for (;;) {
      const over = missing(head, waiting).filter(({ leaseMs }) => clock.monotonic() >= readAt + leaseMs)
      ranOut += over.length
      // The next revocation must not wait for these again.
      for (const { incarnation, renewals } of over) void store.remove(incarnation, renewals).catch(() => undefined)
      waiting = missing(head, waiting).filter((member) => !over.includes(member))
      if (waiting.length === 0) return ranOut
      const pause = Math.min(POLL_MS, ...waiting.map(({ leaseMs }) => readAt + leaseMs - clock.monotonic()))
      const timer = new AbortController()
      const events = [acknowledgements.next().then(() => false), clock.sleep(pause, timer.signal).then(() => true)]
      const isPoll = await Promise.race(reading === undefined ? events : [...events, reading])
      timer.abort()
      if (isPoll) reading ??= readAgain()
    }
  }
}

/**
 * Returns the members that still have a lease row. One that has stopped or begun again no longer answers under its
 * old row.
 */
function asReadNow(members: readonly Member[], read: readonly Member[]): readonly Member[] {
  const now = new Map(read.map((member) => [member.incarnation, member]))
  return members.flatMap((member) => {
    const found = now.get(member.incarnation)
    return found === undefined ? [] : [{ ...member, logEpoch: found.logEpoch, acknowledged: found.acknowledged }]
  })
}

function isCovered(acknowledgement: Acknowledgement | undefined, incarnation: string, head: LogHead): boolean {
  if (acknowledgement?.incarnation !== incarnation) return false
  return covers(acknowledgement.logEpoch, acknowledgement.sequence, head)
}

/** An acknowledgement counts only in its own log epoch: in another epoch, the same sequence may be another record. */
function covers(logEpoch: number, sequence: number, head: LogHead): boolean {
  return logEpoch === head.logEpoch && sequence >= head.sequence
}

const MAX_REMEMBERED = 1_024

/**
 * Creates the memory of the latest acknowledgement of each log follower, for the last MAX_REMEMBERED log followers.
 */
function createAcknowledgements() {
  const furthest = new Map<string, Acknowledgement>()
  let change = Promise.withResolvers<void>()
  return {
    note: (acknowledgement: Acknowledgement): void => {
      const { incarnation, logEpoch, sequence } = acknowledgement
      const before = furthest.get(incarnation)
      if (
        before !== undefined &&
        (before.logEpoch > logEpoch || (before.logEpoch === logEpoch && before.sequence >= sequence))
      )
        return
      furthest.delete(incarnation)
      furthest.set(incarnation, acknowledgement)
      for (const oldest of furthest.keys()) {
        if (furthest.size <= MAX_REMEMBERED) break
        furthest.delete(oldest)
      }
      change.resolve()
      change = Promise.withResolvers()
    },
    of: (incarnation: string) => furthest.get(incarnation),
    next: () => change.promise,
  }
}
