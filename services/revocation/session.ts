import { recordHash } from '@auth4agent/core/revocation/record-hash'
import { type LogPosition, type RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState, type RevocationState } from '@auth4agent/core/revocation/revocation-state'
import { type Clock, isSamePosition, type LogHead, type LogStore, type Member } from './ports.ts'

/** From joining to leaving under one incarnation. */
export interface Session {
  readonly incarnation: string
  readonly state: RevocationState
  applied: LogPosition
  /** Highest sequence that is known to exist. */
  known: number
  isMember: boolean
  /** When the lease began, by both clocks. */
  lease: { readonly monotonic: number; readonly wall: number } | undefined
}

/** What a session works with. */
export interface SessionDeps {
  readonly store: LogStore
  readonly clock: Clock
  /** How long a lease lasts for the others, in milliseconds. */
  readonly leaseMs: number
  /** A UUID that nobody has used. */
  readonly newIncarnation: () => string
}

const PAGE = 1_000
/** Part of a lease that its holder uses, so that clocks which run at different speeds still agree that it is over. */
const USABLE = 0.9

/** The log holds what this version cannot put into effect. */
export class UnknownKindError extends Error {
  override readonly name = 'UnknownKindError'
}

/** Reads all that can still matter. Without a lease yet: reading may take longer than one lasts. */
export async function load({ store, newIncarnation }: SessionDeps): Promise<Session> {
  const state = createRevocationState()
  const head = await store.snapshot((endings) => {
    const unknown = endings.find((ending) => !state.apply(ending))
    if (unknown !== undefined)
      throw new UnknownKindError(`the log holds a record of kind ${unknown.kind}, which this version does not know`)
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

/** What a renewal found. */
interface Renewed {
  readonly members: readonly Member[]
  /** Whether there were new records. */
  readonly hasMoved: boolean
}

/**
 * Commits a lease, then reads the head, then applies it: whoever ends tokens after that commit waits for this verifier. Answers
 * undefined when the session is over: its lease was taken for dead, or the log is not the one that it has followed.
 */
export async function renew(deps: SessionDeps, session: Session): Promise<Renewed | undefined> {
  const { store, clock, leaseMs } = deps
  const began = { monotonic: clock.monotonic(), wall: clock.wall() }
  if (!session.isMember) await store.join(session.incarnation, leaseMs)
  else if (!(await store.renew(session.incarnation, session.applied))) return undefined
  session.isMember = true
  const before = session.applied
  const { head, members, records } = await store.standing(before.sequence)
  session.known = Math.max(session.known, head.sequence)
  if (!continues(before, head)) return undefined
  // They are the last few: whoever misses more reads pages.
  const [first] = records
  const follow = first === undefined || first.sequence <= session.applied.sequence + 1
  if (follow && !records.every((record) => isApplied(session, record))) return undefined
  while (session.applied.sequence < head.sequence) {
    const reached = session.applied.sequence
    if (!(await catchUp(store, session)) || session.applied.sequence === reached) return undefined
  }
  session.lease = began
  session.state.forget(head.compactedThrough)
  return { members, hasMoved: session.applied.sequence !== before.sequence }
}

/** Whether the log that ended at `head` may be the one that had been followed to `before` when that was read. */
function continues(before: LogPosition, head: LogHead): boolean {
  if (head.logEpoch !== before.logEpoch || head.compactedThrough > before.sequence) return false
  return head.sequence === before.sequence ? isSamePosition(head, before) : head.sequence > before.sequence
}

/** Reads the next records. False when those in the database do not follow from what is known. */
export async function catchUp(store: LogStore, session: Session): Promise<boolean> {
  const records = await store.recordsAfter(session.applied.sequence, PAGE)
  return records.every((record) => isApplied(session, record))
}

/** Records read in order; some may have come over the bus meanwhile. */
function isApplied(session: Session, record: RevocationRecord): boolean {
  return record.sequence <= session.applied.sequence || apply(session, record)
}

/** Puts the next record into effect. False when it does not follow, or is of a kind that is not known. */
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

/** Whether a session may answer from memory now: it has a lease, both clocks say so, and nothing is known to be missing. */
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

/** Whether records are known to be missing. */
export function hasGap(session: Session | undefined): boolean {
  return session !== undefined && session.applied.sequence < session.known
}
