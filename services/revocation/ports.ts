import type { Ending, LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'

/** The end of the log. */
export interface LogHead extends LogPosition {
  /** Last sequence that has been removed, since it can end nothing any more. */
  readonly compactedThrough: number
}

/** A verifier as the others see it. */
export interface Member {
  readonly incarnation: string
  readonly leaseMs: number
  /** Counts its renewals; one that does not move for `leaseMs` has lost its lease. */
  readonly renewals: number
  readonly logEpoch: number
  /** Sequence up to which it is known to refuse what has been ended. */
  readonly acknowledged: number
}

/** The log as one read finds it: head, members, and records. */
export interface Standing {
  readonly head: LogHead
  readonly members: readonly Member[]
  /** Those after the sequence that was asked for, but no more than the last few. */
  readonly records: readonly RevocationRecord[]
  /** Whether commits wait for a standby. */
  readonly isReplicated: boolean
}

/** The revocation log and the verifiers' leases in the database. Every function is a statement of its own on the primary. */
export interface LogStore {
  /** Reads head, members and the last records after `sequence`. Begins a new log epoch where the primary has changed. */
  standing(sequence: number): Promise<Standing>
  /** Reads head and all records in one transaction that sees one moment. Hands each page of records to `take` before it reads the next. */
  snapshot(take: (endings: readonly Ending[]) => void): Promise<LogHead>
  /** Resolves once the standby has all that was committed before: a commit that a crash made visible may not be there yet. */
  confirm(): Promise<void>
  head(): Promise<LogHead>
  /** The next records after `sequence` in their order, at most `limit`. */
  recordsAfter(sequence: number, limit: number): Promise<readonly RevocationRecord[]>
  /** Commits a new verifier's lease. */
  join(incarnation: string, leaseMs: number): Promise<void>
  /** Commits a renewal; false when there is nothing to renew any more. */
  renew(incarnation: string, position: LogPosition): Promise<boolean>
  /** Commits what a verifier has in effect. */
  acknowledge(incarnation: string, position: LogPosition): Promise<void>
  /** Removes a verifier, or only while its renewals have not moved. */
  remove(incarnation: string, renewals?: number): Promise<void>
}

/** That a verifier refuses everything up to a position. */
export type Acknowledgement = Pick<LogPosition, 'logEpoch' | 'sequence'> & { readonly incarnation: string }

/** Fast and lossy: what is lost here is found in the database. */
export interface RevocationBus {
  readonly isConnected: boolean
  publishRecord(record: RevocationRecord): void
  /** Tells the process that published a record. */
  publishAcknowledgement(acknowledgement: Acknowledgement, replyTo: string): void
  onRecord(listener: (record: RevocationRecord, replyTo: string) => void): void
  /** Of verifiers that answer to this process. */
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): void
}

/** What the database tells those who listen, while it can: for where there is no bus. */
export interface LogSignals {
  /** A record was committed; `sequence` is its number. */
  onRecord(listener: (sequence: number) => void): void
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): void
}

/** Time, in milliseconds. */
export interface Clock {
  /** Never set; may stop while the machine sleeps. */
  monotonic(): number
  /** Unix time; may be set, and goes on while the machine sleeps. */
  wall(): number
  /** Resolves after `ms`, or as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Whether two positions are the same place of the same log. */
export function isSamePosition(one: LogPosition, other: LogPosition): boolean {
  return one.logEpoch === other.logEpoch && one.sequence === other.sequence && one.hash === other.hash
}
