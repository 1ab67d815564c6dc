import type { Keys } from '../keys/index.ts'
import type { Database } from '../platform/db/database.ts'
import type { Db } from '../platform/db/db.ts'
import type { Bound } from '../platform/limits/bound.ts'
import type { Logger } from '../platform/log/log.ts'
import type { PushMetrics } from '../platform/metrics/push-metrics.ts'
import type { Outbound } from '../platform/outbound/outbound.ts'
import type { ReadNextSets } from './events/next-sets.ts'
import type { Wakes } from './wakes.ts'

/** Options of createSignals. */
export interface SignalsOptions {
  readonly db: Db
  /** Connections for reads by operators. */
  readonly readDb: Db
  /** Where the notifications of the database are heard. */
  readonly database: Database
  /** Returns the wall-clock time in Unix milliseconds. */
  readonly now: () => number
  readonly issuer: string
  /** Whether endpoints on this machine are allowed, by plain http too. */
  readonly testDomains: boolean
  /** Longest time of a call, in milliseconds. */
  readonly requestTimeoutMs: number
  readonly keys: Pick<Keys, 'vault' | 'securityEventKeys' | 'signalSigners'>
  /** For pushes alone. It is closed with the signals part. */
  readonly outbound: Outbound
  readonly metrics: PushMetrics
  readonly log: Logger
}

/** Dependencies of the handlers of SignalService. */
export interface SignalsDeps extends SignalsOptions {
  readonly readNextSets: ReadNextSets
  readonly wakes: Wakes
  /** Limits the polls that wait, by operator. */
  readonly waiting: Bound
  /** Counts the signatures of an answer to a poll of an operator. Throws ApiError RATE_LIMITED. */
  readonly limitSets: (operatorId: string, count: number) => void
  /** How long a poll may wait for an event, in milliseconds. */
  readonly waitMs: number
}
