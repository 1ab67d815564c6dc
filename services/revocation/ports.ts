import type { Ending, LogPosition, RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { TraceCarrier } from '../platform/trace/span.ts'

/** The head of the log. */
export interface LogHead extends LogPosition {
  /** Last sequence that compaction has removed. */
  readonly compactedThrough: number
}

/** The lease of a log follower, as other processes see it. */
export interface Lease {
  readonly incarnation: string
  readonly leaseMs: number
  /** The number of its renewals. If this number does not change for `leaseMs`, the lease has run out. */
  readonly renewals: number
}

/** A row of the table `verifiers`: a log follower, as other processes see it. */
export interface Member extends Lease {
  readonly logEpoch: number
  /** Sequence up to which the database knows that it has applied the log. */
  readonly acknowledged: number
}

/** The result of one read: the head, and records. */
export interface LogTail {
  /** Names the server that has answered, with its timeline. No two primaries have the same name. */
  readonly server: string
  readonly head: LogHead
  /** The last records after the requested sequence. Their number is limited, so earlier ones may be missing. */
  readonly records: readonly RevocationRecord[]
}

/** The result of one read: the head, the records, and all leases. */
export interface LogStanding extends LogTail {
  readonly members: readonly Member[]
  /** Whether commits wait for a standby. */
  readonly isReplicated: boolean
}

/** The revocation log and the leases in the database. Each function runs its own statement on the primary. */
export interface LogStore {
  /**
   * Reads the head and the last records after `sequence`. If a standby was promoted, it first begins a new log epoch.
   */
  tail(sequence: number): Promise<LogTail>
  /** Reads the same as `tail`, and the leases, at one moment. */
  standing(sequence: number): Promise<LogStanding>
  /**
   * Reads the head and all records, as they are at one moment, in one transaction. Passes each page of records to
   * `take` before it reads the next page.
   */
  snapshot(take: (endings: readonly Ending[]) => void): Promise<LogHead>
  /**
   * Resolves when the standby has every earlier commit. This is needed because, after a crash, a commit can be visible
   * on the primary before the standby has it. Returns the name of the server.
   */
  confirm(): Promise<string>
  head(): Promise<LogHead>
  /** Returns the next records after `sequence`, in order, at most `limit`. */
  recordsAfter(sequence: number, limit: number): Promise<readonly RevocationRecord[]>
  /** Commits the lease row of a new incarnation. Returns the name of the server. */
  join(incarnation: string, leaseMs: number): Promise<string>
  /** Commits a renewal. Returns the name of the server, or undefined when the lease row is gone. */
  renew(incarnation: string, position: LogPosition): Promise<string | undefined>
  /** Reads the leases of the next few incarnations, in the ring of all incarnations in their order. */
  neighbours(incarnation: string): Promise<readonly Lease[]>
  /** Commits the position up to which a log follower has applied the log. */
  acknowledge(incarnation: string, position: LogPosition): Promise<void>
  /** Removes a lease row. If `renewals` is given, removes the row only if its number of renewals is still the same. */
  remove(incarnation: string, renewals?: number): Promise<void>
}

/** States that a log follower has applied the log up to a position. */
export type Acknowledgement = Pick<LogPosition, 'logEpoch' | 'sequence'> & { readonly incarnation: string }

/** Carries records and acknowledgements fast, but may lose them. The database contains what was lost. */
export interface RevocationBus {
  readonly isConnected: boolean
  /** Sends a record. `trace` is the trace of the call that waits for the log followers. */
  publishRecord(record: RevocationRecord, trace?: TraceCarrier): void
  /** Sends an acknowledgement to the process that published a record. */
  publishAcknowledgement(acknowledgement: Acknowledgement, replyTo: string): void
  onRecord(listener: (record: RevocationRecord, replyTo: string, trace?: TraceCarrier) => void): void
  /** Receives the acknowledgements that log followers send to this process. */
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): void
}

/** Notifications from the database. They reach processes that the bus does not reach. */
export interface LogSignals {
  /** A record was committed; `sequence` is its number. */
  onRecord(listener: (sequence: number) => void): void
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): void
}

/** The clocks of a process, in milliseconds. */
export interface Clock {
  /** Is never set, but may stop while the machine sleeps. */
  monotonic(): number
  /** Unix time. It may be set, and it continues while the machine sleeps. */
  wall(): number
  /** Resolves after `ms`, or as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Returns whether two positions are the same place of the same log. */
export function isSamePosition(one: LogPosition, other: LogPosition): boolean {
  return one.logEpoch === other.logEpoch && one.sequence === other.sequence && one.hash === other.hash
}
