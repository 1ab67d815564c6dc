import type { LogFollower } from './log-follower.ts'
import type { Acknowledgement, Clock, LogHead, LogSignals, LogStore, Member, RevocationBus, Standing } from './ports.ts'

/** What settling works with. */
export interface SettleDeps {
  readonly store: LogStore
  readonly bus: RevocationBus
  readonly signals: LogSignals
  readonly clock: Clock
  /** The verifier of this process, when it has one. */
  readonly verifier: Pick<LogFollower, 'receive' | 'acknowledged'> | undefined
  /** How long it took, in milliseconds, and for how many verifiers a lease had to run out. */
  readonly observe: (ms: number, ranOut: number) => void
}

/** How often the members are read again while somebody's acknowledgement is missing: it may have been lost. */
const POLL_MS = 50

/**
 * Makes the function that resolves once every verifier of the deployment refuses what has been ended before it was called:
 * each member has acknowledged the log's head of then or later, or its lease has run out. The caller's change must have been
 * committed, by this call or by an earlier one; where a standby may take over, it has it too. Throws when the database is away: whether all verifiers know is not known then, and a repetition completes it.
 */
export function createSettle(deps: SettleDeps): () => Promise<void> {
  const { store, bus, signals, clock, verifier, observe } = deps
  const acknowledgements = createAcknowledgements()
  bus.onAcknowledgement(acknowledgements.note)
  signals.onAcknowledgement(acknowledgements.note)
  let published = 0
  const readStanding = async () => {
    const standing = await store.standing(Math.max(0, published - 1))
    // What a member may use of its lease counts from before this moment.
    const readAt = clock.monotonic()
    const fresh = standing.records.filter(({ sequence }) => sequence > published)
    // Where there is nothing new, the last record once more: others have published it, and have had the acknowledgements.
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

  /** Answers for how many members a lease had to run out. Nothing here waits for the database. */
  async function waitForMembers({ head, members }: Standing, readAt: number): Promise<number> {
    let waiting = members
    let ranOut = 0
    let reading: Promise<boolean> | undefined
    const readAgain = async () => {
      // Without the database the leases still run out.
      const read = await readStanding().catch(() => undefined)
      if (read !== undefined) waiting = asReadNow(waiting, read.standing.members)
      reading = undefined
      return false
    }
    for (;;) {
      const over = missing(head, waiting).filter(({ leaseMs }) => clock.monotonic() >= readAt + leaseMs)
      ranOut += over.length
      // So that the next revocation does not wait for them.
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

/** Members that are there still: those that have left or begun again have given their lease back, and are not waited for. */
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

/** An acknowledgement counts within its log epoch alone: in another, the same number may be another record. */
function covers(logEpoch: number, sequence: number, head: LogHead): boolean {
  return logEpoch === head.logEpoch && sequence >= head.sequence
}

const MAX_REMEMBERED = 1_024

/** The furthest acknowledgement of each verifier lately. */
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
