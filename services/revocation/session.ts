import { recordHash } from '@auth4agent/core/revocation/record-hash'
import { type LogPosition, type RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState, type RevocationState } from '@auth4agent/core/revocation/revocation-state'
import { type Clock, isSamePosition, type LogHead, type LogStore } from './ports.ts'

/** The state of one incarnation of a log follower. */
export interface Session {
  readonly incarnation: string
  readonly state: RevocationState
  applied: LogPosition
  /** Highest sequence that is known to exist. */
  known: number
  /** Whether its lease row has been committed. */
  isMember: boolean
  /** When the lease began, by both clocks. */
  lease: { readonly monotonic: number; readonly wall: number } | undefined
}

/** Dependencies of a session. */
export interface SessionDeps {
  readonly store: LogStore
  readonly clock: Clock
  /** Length of the lease, in milliseconds: other processes wait this long until the lease has run out. */
  readonly leaseMs: number
  /** Returns a fresh UUID. */
  readonly newIncarnation: () => string
}

const PAGE = 1_000
/** The part of the lease that this process uses. The rest allows for clocks that run at different speeds. */
const USABLE = 0.9

/** Thrown when the log contains a record of a kind that this version does not know. */
export class UnknownKindError extends Error {
  override readonly name = 'UnknownKindError'
}

/** Reads the whole log for a new session. The session has no lease yet, because reading may outlast a lease. */
export async function load({ store, newIncarnation }: SessionDeps): Promise<Session> {
  const state = createRevocationState()
  const head = await store.snapshot((endings) => {
    const unknown = endings.find((ending) => !state.apply(ending))
    if (unknown !== undefined)
      throw new UnknownKindError(
        `The log contains a record of kind "${unknown.kind}", which this version does not know`,
      )
  })
  return {
    incarnation: newIncarnation(),
    state,
    applied: head,
    known: head.sequence,
    isMember: false,
    lease: undefined,
  }
}

/**
 * Begins a new session with the state of one that this process has left, and applies the records that came since. So a
 * promotion does not make every process read the whole log. Each record contains the hash of the record before it, so
 * if the log has the same hash at the position of the state, the state contains exactly the log up to there. Returns
 * undefined if that is not so; then the state must not be used any more.
 */
export async function resume({ store, newIncarnation }: SessionDeps, last: Session): Promise<Session | undefined> {
  const head = await store.head()
  const { sequence, hash } = last.applied
  const [found] = head.sequence === sequence ? [head] : await store.recordsAfter(sequence - 1, 1)
  if (found?.sequence !== sequence || found.hash !== hash) return undefined
  for (let isLast = false; !isLast; ) {
    const records = await store.recordsAfter(last.applied.sequence, PAGE)
    for (const record of records) {
      // The records were committed before and after the promotion, so they may be of several log epochs.
      last.applied = { ...last.applied, logEpoch: record.logEpoch }
      if (!apply(last, record)) return undefined
    }
    isLast = records.length < PAGE
  }
  const applied = { ...last.applied, logEpoch: Math.max(head.logEpoch, last.applied.logEpoch) }
  const incarnation = newIncarnation()
  return { ...last, incarnation, applied, known: applied.sequence, isMember: false, lease: undefined }
}

/** Result of a renewal. */
interface Renewed {
  /** Whether there were new records. */
  readonly hasMoved: boolean
}

/**
 * Commits a lease, then reads the head, then applies every record up to the head. A revocation after that commit waits
 * for this log follower. Returns undefined when the session must end, because its lease row was removed or the log is
 * not the log that it has followed.
 */
export async function renew(deps: SessionDeps, session: Session): Promise<Renewed | undefined> {
  const { store, clock, leaseMs } = deps
  const began = { monotonic: clock.monotonic(), wall: clock.wall() }
  const renewedBy = session.isMember
    ? await store.renew(session.incarnation, session.applied)
    : await store.join(session.incarnation, leaseMs)
  if (renewedBy === undefined) return undefined
  session.isMember = true
  const before = session.applied
  const { head, records, server } = await store.tail(before.sequence)
  // The head of an old primary that was not fenced lacks the newest records.
  if (server !== renewedBy) throw new Error('One database server has renewed the lease, and another one read the log')
  session.known = Math.max(session.known, head.sequence)
  if (!continues(before, head)) return undefined
  // `records` contains only the last few records. If they do not follow directly, the loop below reads pages.
  const [first] = records
  const follow = first === undefined || first.sequence <= session.applied.sequence + 1
  if (follow && !records.every((record) => isApplied(session, record))) return undefined
  while (session.applied.sequence < head.sequence) {
    const reached = session.applied.sequence
    if (!(await catchUp(store, session)) || session.applied.sequence === reached) return undefined
  }
  session.lease = began
  session.state.forget(head.compactedThrough)
  return { hasMoved: session.applied.sequence !== before.sequence }
}

/**
 * Returns whether the log that ends at `head` can continue the log that this session has applied up to `before`.
 */
function continues(before: LogPosition, head: LogHead): boolean {
  if (head.logEpoch !== before.logEpoch || head.compactedThrough > before.sequence) return false
  return head.sequence === before.sequence ? isSamePosition(head, before) : head.sequence > before.sequence
}

/** Reads and applies the next page of records. Returns false if one of them does not follow the record before it. */
export async function catchUp(store: LogStore, session: Session): Promise<boolean> {
  const records = await store.recordsAfter(session.applied.sequence, PAGE)
  return records.every((record) => isApplied(session, record))
}

/** Applies a record, unless the bus has delivered it in the meantime. Returns whether the record is applied now. */
function isApplied(session: Session, record: RevocationRecord): boolean {
  return record.sequence <= session.applied.sequence || apply(session, record)
}

/** Applies the next record. Returns false if it does not follow the last applied record, or is of an unknown kind. */
export function apply(session: Session, record: RevocationRecord): boolean {
  const { applied } = session
  const follows =
    record.sequence === applied.sequence + 1 &&
    record.logEpoch === applied.logEpoch &&
    record.previousHash === applied.hash &&
    recordHash(record) === record.hash
  if (!follows || !session.state.apply(record)) return false
  session.applied = { logEpoch: record.logEpoch, sequence: record.sequence, hash: record.hash }
  return true
}

/**
 * Returns whether a session may answer from memory now: its lease is valid by both clocks, and no record that is known
 * to exist is missing.
 */
export function holdsLease(
  { lease, applied, known }: Session,
  { clock, leaseMs }: Pick<SessionDeps, 'clock' | 'leaseMs'>,
): boolean {
  return (
    lease !== undefined &&
    applied.sequence >= known &&
    clock.monotonic() < lease.monotonic + USABLE * leaseMs &&
    clock.wall() < lease.wall + USABLE * leaseMs
  )
}

/** Returns whether the session has not applied all records that are known to exist. */
export function hasGap(session: Session | undefined): boolean {
  return session !== undefined && session.applied.sequence < session.known
}
