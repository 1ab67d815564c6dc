import { FeedError, notUnderstood } from './feed.ts'
import { recordHash } from './record-hash.ts'
import { isRevocationKind, type LogPosition, type RevocationRecord } from './revocation-log.ts'
import { createRevocationState, type RevocationState } from './revocation-state.ts'

/** The part of the revocation log that was read since reading began, possibly over several connections. */
export interface LogSession {
  readonly state: RevocationState
  /** The position of the last record. Its log epoch is that of the record until a head names the log's log epoch. */
  applied: LogPosition | undefined
  /** Whether every record up to a head has been read. */
  isWhole: boolean
  /** The expiry of the records: runs of records, in the order of the log. */
  readonly runs: Run[]
  readonly rules: SessionRules
  /** The hash that the log now has at the sequence of `rules.after`, if it has been read. */
  hashBefore: string | undefined
}

/** Rules for a session. */
interface SessionRules {
  /** Returns the most records to keep. The default is {@link MAX_LOG_RECORDS}. */
  readonly maxRecords?: (() => number) | undefined
  /** Where an earlier session ended. Within its log epoch, the log must contain this position. */
  readonly after?: LogPosition | undefined
}

/** Consecutive records that are forgotten together. */
interface Run {
  count: number
  /** The sequence of the last record. */
  through: number
  /** When the last of the records expires, in Unix milliseconds. */
  expiresAt: number
}

/** The number of records in a run. Keeping a time for each record would take as much memory as the record. */
const RUN_LENGTH = 1_000
/**
 * The most records that a process keeps of one log, which take about 400 MB. An operator has up to 10,000 tokens in
 * the log, so 400 operators can reach this limit.
 */
export const MAX_LOG_RECORDS = 4_000_000
/** How long to wait before a log that has gone back is read again, in milliseconds. It will rarely have changed. */
const GONE_BACK_PAUSE_MS = 30_000

/**
 * Makes a session without records.
 *
 * @example
 * ```ts
 * import { applyRecord, beginSession } from '@auth4agent/core/revocation/log-session'
 *
 * const session = beginSession()
 * for (const record of records) applyRecord(session, record)
 * ```
 */
export function beginSession(rules: SessionRules = {}): LogSession {
  return { state: createRevocationState(), applied: undefined, isWhole: false, runs: [], rules, hashBefore: undefined }
}

/**
 * Applies the next record. Throws FeedError if the record does not follow the last one, if its hash is wrong, if its
 * kind is unknown, or if the session would have too many records.
 *
 * @example
 * ```ts
 * import { applyRecord } from '@auth4agent/core/revocation/log-session'
 *
 * applyRecord(session, record)
 * ```
 */
export function applyRecord(session: LogSession, record: RevocationRecord): void {
  const { applied, state, rules } = session
  if (applied !== undefined && !follows(applied, record))
    throw broken('A record of the log does not follow the one before')
  // Checks the kind before the hash: the hash contains the name of the kind, which this version does not know.
  if (!isRevocationKind(record.kind)) {
    throw notUnderstood('The log contains a record of a kind that this version does not know')
  }
  if (recordHash(record) !== record.hash) throw broken('The hash of a record of the log is wrong')
  if (record.sequence - 1 === rules.after?.sequence) session.hashBefore = record.previousHash
  state.apply(record)
  noteExpiry(session, record)
  const logEpoch = session.isWhole && applied !== undefined ? applied.logEpoch : record.logEpoch
  session.applied = { logEpoch, sequence: record.sequence, hash: record.hash }
}

/**
 * Compares the last record with the head of the log. Throws FeedError if a record is missing.
 *
 * @example
 * ```ts
 * import { reachHead } from '@auth4agent/core/revocation/log-session'
 *
 * reachHead(session, head)
 * ```
 */
export function reachHead(session: LogSession, head: LogPosition): void {
  const { applied, isWhole } = session
  if (applied !== undefined) {
    if (head.sequence !== applied.sequence || head.hash !== applied.hash)
      throw broken('The head of the log is not the last record that was sent')
    const isOther = isWhole ? head.logEpoch !== applied.logEpoch : head.logEpoch < applied.logEpoch
    if (isOther) throw broken('The log epoch has changed')
  }
  if (!isWhole && hasGoneBack(session, head)) {
    const options = { mustBeginAgain: true, retryAfterMs: GONE_BACK_PAUSE_MS }
    throw new FeedError('The log lacks records that it had in this log epoch', options)
  }
  session.applied = head
  session.isWhole = true
}

/**
 * Forgets the runs whose records have all expired by a time in Unix milliseconds.
 *
 * @example
 * ```ts
 * import { forgetExpired } from '@auth4agent/core/revocation/log-session'
 *
 * forgetExpired(session, Date.now() - 10_000)
 * ```
 */
export function forgetExpired({ state, runs }: LogSession, byMs: number): void {
  let through = 0
  for (let first = runs[0]; first !== undefined && first.expiresAt <= byMs; first = runs[0]) {
    through = first.through
    runs.shift()
  }
  if (through > 0) state.forget(through)
}

/** A log that has lost records may only be that of a later log epoch, whose server knows that they may be lost. */
function hasGoneBack({ rules: { after }, hashBefore }: LogSession, head: LogPosition): boolean {
  if (after === undefined || head.logEpoch > after.logEpoch) return false
  const hash = head.sequence === after.sequence ? head.hash : hashBefore
  return head.logEpoch < after.logEpoch || head.sequence < after.sequence || (hash ?? after.hash) !== after.hash
}

function noteExpiry({ state, runs, rules }: LogSession, { sequence, expiresAt }: RevocationRecord): void {
  const last = runs.at(-1)
  if (last !== undefined && last.count < RUN_LENGTH) {
    last.count += 1
    last.through = sequence
    last.expiresAt = Math.max(last.expiresAt, expiresAt)
    return
  }
  const most = rules.maxRecords?.() ?? MAX_LOG_RECORDS
  if (state.size > most) throw broken(`The log has more than the ${most} records that this verifier keeps in memory`)
  runs.push({ count: 1, through: sequence, expiresAt })
}

function follows(applied: LogPosition, record: RevocationRecord): boolean {
  return record.sequence === applied.sequence + 1 && record.previousHash === applied.hash
}

function broken(message: string): FeedError {
  return new FeedError(message, { mustBeginAgain: true })
}
