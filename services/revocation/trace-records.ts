import type { RevocationRecord } from '@auth4agent/core/revocation/revocation-log'
import type { Attributes, Span } from '../platform/trace/span.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import type { Clock, RevocationBus } from './ports.ts'

/** At least one batch in this time is recorded, in milliseconds, so that each process has a trace to look at. */
const RECORD_ONE_IN_MS = 3_600_000

/**
 * Shows in the trace of a call when a log follower applies the record for which the call waits. Changes nothing about
 * the records.
 */
export function traceRecords(bus: RevocationBus, tracing: Tracing | undefined, clock: Clock): RevocationBus {
  if (tracing === undefined) return bus
  return {
    get isConnected() {
      return bus.isConnected
    },
    publishRecord: (record, trace) => bus.publishRecord(record, trace),
    publishAcknowledgement: (acknowledgement, replyTo) => bus.publishAcknowledgement(acknowledgement, replyTo),
    onAcknowledgement: (listener) => bus.onAcknowledgement(listener),
    onRecord(listener) {
      bus.onRecord((record, replyTo, trace) => {
        const span = trace && tracing.proceed(trace, 'log batch', { attributes: factsOf(record, clock) })
        try {
          listener(record, replyTo)
        } finally {
          span?.end()
        }
      })
    },
  }
}

/** Calls the listener with each record that the bus delivers, and with the span in which it wakes watchers. */
export function onTracedRecord(
  bus: RevocationBus,
  tracing: Tracing | undefined,
  listener: (span: Span | undefined) => void,
): void {
  bus.onRecord((_record, _replyTo, trace) => listener(trace && tracing?.proceed(trace, 'wake watchers', {})))
}

/** Returns the function that traces a batch of records that a log follower has read from the database. */
export function traceBatches(tracing: Tracing, clock: Clock): (size: number, startedAt: number) => void {
  let recordedAt = Number.NEGATIVE_INFINITY
  return (size, startedAt) => {
    const always = clock.monotonic() - recordedAt >= RECORD_ONE_IN_MS
    const span = tracing.begin('log batch', { always, startedAt, attributes: { 'auth4agent.batch_size': size } })
    if (span.isRecorded) recordedAt = clock.monotonic()
    span.end()
  }
}

function factsOf({ logEpoch, sequence, recordedAt }: RevocationRecord, clock: Clock): Attributes {
  return {
    'auth4agent.batch_size': 1,
    'auth4agent.position': `${logEpoch}-${sequence}`,
    // By the clocks of the database and of this process.
    'auth4agent.lag_ms': Math.max(0, clock.wall() - recordedAt),
  }
}
