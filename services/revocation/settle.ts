import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { Durability } from '../platform/db/durability.ts'
import type { Attributes, Span } from '../platform/trace/span.ts'
import { checkServer } from './count-answers.ts'
import type { LogFollower } from './log-follower.ts'
import type {
  Acknowledgement,
  Clock,
  LogHead,
  LogSignals,
  LogStanding,
  LogStore,
  Member,
  RevocationBus,
} from './ports.ts'

/** Dependencies of createSettle. */
export interface SettleDeps {
  readonly store: LogStore
  readonly bus: RevocationBus
  readonly signals: LogSignals
  readonly clock: Clock
  /** The log follower of this process, if it has one. */
  readonly verifier: Pick<LogFollower, 'receive' | 'acknowledged'> | undefined
  readonly durability: Pick<Durability, 'demand'>
  /** Receives how long the wait took, in milliseconds, and how many leases had to run out. */
  readonly observe: (ms: number, ranOut: number) => void
}

/**
 * Interval at which the leases are read again while an acknowledgement is missing, in milliseconds. The message with
 * the acknowledgement may have been lost.
 */
const POLL_MS = 50

/**
 * Creates the function that resolves when every log follower of the deployment refuses the tokens that were ended
 * before the call. Each log follower has then acknowledged the head that this function read, or a later one, or its
 * lease has run out. If there is a synchronous standby, the standby has the change too, and the server from which this
 * function has read was still the primary after that. If a standby is demanded and missing, the function throws
 * NOT_DURABLE once the log followers refuse the tokens. It returns the server from which it has read; undefined if its
 * commits wait for no standby.
 *
 * The caller must have committed its change before, in this request or in an earlier one. The function throws when
 * the database does not answer. Then it is not known whether all log followers have the change, and the caller must
 * repeat its call to complete the revocation.
 */
export function createSettle(deps: SettleDeps): (span?: Span) => Promise<string | undefined> {
  const { store, bus, signals, clock, verifier, durability, observe } = deps
  const acknowledgements = createAcknowledgements()
  bus.onAcknowledgement(acknowledgements.note)
  signals.onAcknowledgement(acknowledgements.note)
  let published = 0
  const readStanding = async (span: Span | undefined) => {
    const standing = await store.standing(Math.max(0, published - 1))
    // Every lease that was read here began before this moment.
    const readAt = clock.monotonic()
    const fresh = standing.records.filter(({ sequence }) => sequence > published)
    // Without new records, publish the last record again. Its acknowledgements went only to the process that published
    // it first.
    for (const record of fresh.length > 0 ? fresh : standing.records.slice(-1)) {
      bus.publishRecord(record, span?.carrier)
      verifier?.receive(record)
    }
    published = standing.head.sequence
    return { standing, readAt }
  }
  /** Rule (l): the members count only if the server that has named them confirms a later commit. */
  const prove = async (standing: LogStanding): Promise<void> => {
    if (standing.isReplicated) checkServer(standing, await store.confirm())
  }
  const missing = (head: LogHead, members: readonly Member[]): readonly Member[] =>
    members.filter(
      ({ incarnation, ...member }) =>
        !covers(member.logEpoch, member.acknowledged, head) &&
        !isCovered(verifier?.acknowledged, incarnation, head) &&
        !isCovered(acknowledgements.of(incarnation), incarnation, head),
    )
  return async (span) => {
    const startedAt = clock.monotonic()
    const { standing, readAt } = await readStanding(span)
    const [ranOut] = await Promise.all([waitForMembers(standing, readAt, span), prove(standing)])
    span?.add(standingFacts(standing, ranOut))
    observe(clock.monotonic() - startedAt, ranOut)
    durability.demand(standing.isReplicated)
    return standing.isReplicated ? standing.server : undefined
  }

  /** Returns how many leases had to run out. It ends even if the database does not answer. */
  async function waitForMembers(
    { server, head, members }: LogStanding,
    readAt: number,
    span: Span | undefined,
  ): Promise<number> {
    let waiting = members
    let ranOut = 0
    let reading: Promise<boolean> | undefined
    const readAgain = async () => {
      // If the database does not answer, the wait still ends when the leases run out.
      const read = await readStanding(span).catch(() => undefined)
      // A row that only another server lacks may be of a log follower that answers.
      if (read?.standing.server === server) waiting = asReadNow(waiting, read.standing.members)
      reading = undefined
      return false
    }
    for (;;) {
      const over = missing(head, waiting).filter(({ leaseMs }) => clock.monotonic() >= readAt + leaseMs)
      ranOut += over.length
      // Remove their rows, because the next revocation must not wait for these log followers again.
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

/** What the trace of a call says about its wait. */
function standingFacts({ head, members }: LogStanding, ranOut: number): Attributes {
  return {
    'auth4agent.position': `${head.logEpoch}-${head.sequence}`,
    'auth4agent.members': members.length,
    'auth4agent.leases_ran_out': ranOut,
  }
}

/**
 * Returns the log followers that still have the same lease row, with their latest acknowledgements. It leaves out log
 * followers that have stopped or begun a new incarnation, because they no longer answer under their old row.
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

/** Compares positions only within one log epoch, because the same sequence may be another record in another epoch. */
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
      keepNewest(furthest, incarnation, acknowledgement, MAX_REMEMBERED)
      change.resolve()
      change = Promise.withResolvers()
    },
    of: (incarnation: string) => furthest.get(incarnation),
    next: () => change.promise,
  }
}
