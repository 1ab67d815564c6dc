import { recordHash } from '@auth4agent/core/revocation/record-hash'
import { isRevocationKind, type LogPosition, type RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import { createRevocationState, type RevocationState } from '@auth4agent/core/revocation/revocation-state'
import { FeedError, notUnderstood } from './feed.ts'

/** What has been read of the revocation log, from one beginning without a position on. */
export interface LogSession {
  readonly state: RevocationState
  /** Where it ends. Its log epoch is the log's own once a head has told it: records keep the epoch that they were made in. */
  applied: LogPosition | undefined
  /** Whether everything up to a head of the log has been read. */
  isWhole: boolean
  /** When the records expire, run by run in the order of the log. */
  readonly runs: Run[]
}

/** Consecutive records, which are forgotten together. */
interface Run {
  count: number
  /** Sequence of its last record. */
  through: number
  /** When the last of them expires, Unix milliseconds. */
  expiresAt: number
}

/** A time for each record would take as much memory as the record. */
const RUN_LENGTH = 1_000
/** What is kept at most: some 400 MB. An operator has 10,000 tokens in the log, so it takes four hundred to fill this. */
const MAX_KEPT = 4_000_000

/** A session that has read nothing. */
export function beginSession(): LogSession {
  return { state: createRevocationState(), applied: undefined, isWhole: false, runs: [] }
}

/** Puts the next record into effect. Throws FeedError when it does not follow, is not what its hash says, or is of an unknown kind. */
export function applyRecord(session: LogSession, record: RevocationRecord): void {
  const { applied, state } = session
  if (applied !== undefined && !follows(applied, record)) throw broken('a record does not follow from the one before')
  // Looked at first: the name that went into the hash is not known either.
  if (!isRevocationKind(record.kind)) {
    throw notUnderstood('the log holds a record of a kind that this version does not know')
  }
  if (recordHash(record) !== record.hash) throw broken('a record is not what its hash says')
  state.apply(record)
  noteExpiry(session, record)
  const logEpoch = session.isWhole && applied !== undefined ? applied.logEpoch : record.logEpoch
  session.applied = { logEpoch, sequence: record.sequence, hash: record.hash }
}

/** Compares what was read with the end of the log. Throws FeedError when something is missing. */
export function reachHead(session: LogSession, head: LogPosition): void {
  const { applied, isWhole } = session
  if (applied !== undefined) {
    if (head.sequence !== applied.sequence || head.hash !== applied.hash)
      throw broken('the log does not end where it says')
    const isOther = isWhole ? head.logEpoch !== applied.logEpoch : head.logEpoch < applied.logEpoch
    if (isOther) throw broken('the log has become another')
  }
  session.applied = head
  session.isWhole = true
}

/** Forgets the runs of records that had all expired by a time, in Unix milliseconds. */
export function forgetExpired({ state, runs }: LogSession, byMs: number): void {
  let through = 0
  for (let first = runs[0]; first !== undefined && first.expiresAt <= byMs; first = runs[0]) {
    through = first.through
    runs.shift()
  }
  if (through > 0) state.forget(through)
}

function noteExpiry({ state, runs }: LogSession, { sequence, expiresAt }: RevocationRecord): void {
  const last = runs.at(-1)
  if (last !== undefined && last.count < RUN_LENGTH) {
    last.count += 1
    last.through = sequence
    last.expiresAt = Math.max(last.expiresAt, expiresAt)
    return
  }
  if (state.size > MAX_KEPT) throw broken('the log holds more than this verifier keeps in memory')
  runs.push({ count: 1, through: sequence, expiresAt })
}

function follows(applied: LogPosition, record: RevocationRecord): boolean {
  return record.sequence === applied.sequence + 1 && record.previousHash === applied.hash
}

function broken(message: string): FeedError {
  return new FeedError(message, { mustBeginAgain: true })
}
