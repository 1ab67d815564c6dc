import type { Prisma, SignalStream } from '../../../gen/prisma/client.ts'
import type { Sealed } from '../../keys/index.ts'

/** How a stream delivers its events: RFC 8935 or RFC 8936. */
export type DeliveryMethod = 'push' | 'poll'

/** Status of a stream (SSF section 8.1.2.1). */
export type Status = 'enabled' | 'paused' | 'disabled'

/** A place in the revocation log: all events of the records up to `sequence`, and `part` events of the next record. */
export interface Cursor {
  readonly logEpoch: number
  readonly sequence: number
  /** Hash of the record `sequence`, hex. It shows whether the log is still the same one. */
  readonly hash: string
  readonly part: number
}

/** An event about the stream itself. It waits in the stream's row until it is delivered. */
export type PendingEvent = {
  readonly jti: string
  /** Unix seconds. */
  readonly iat: number
} & (
  | { readonly kind: 'verification'; readonly state?: string }
  | { readonly kind: 'stream-updated'; readonly status: Status; readonly reason: string }
)

/** A stream as its row has it. */
export interface Stream {
  readonly id: string
  readonly operatorId: string
  readonly description: string
  readonly deliveryMethod: DeliveryMethod
  /** Where events are pushed; empty for poll. */
  readonly endpointUrl: string
  /** The receiver's Authorization header for push. `openAuthorization` opens it. */
  readonly authorization: Sealed | undefined
  /** As the receiver has requested them; empty for all supported ones. */
  readonly eventsRequested: readonly string[]
  readonly status: Status
  readonly statusReason: string
  /** Whether the stream begins at the head of the log when it is enabled the next time. */
  readonly beginsAnew: boolean
  readonly cursor: Cursor
  /** For poll: the jti of events beyond the cursor that are acknowledged. */
  readonly acknowledged: readonly string[]
  /** Oldest first. */
  readonly pending: readonly PendingEvent[]
  /** For push: failed attempts since the last success. */
  readonly failures: number
  /** Why the last failed attempt has failed; empty if none has failed. */
  readonly lastFailure: string
  readonly lastFailureAt: Date | undefined
  /** The newest record that may concern the receiver, of those that were noted. */
  readonly newest: number
}

/** Turns a row into a stream. */
export function toStream(row: SignalStream): Stream {
  const { wrappedAuthorization: wrapped, kekId } = row
  return {
    id: row.id,
    operatorId: row.operatorId,
    description: row.description,
    deliveryMethod: row.deliveryMethod === 'push' ? 'push' : 'poll',
    endpointUrl: row.endpointUrl,
    authorization: wrapped === null || kekId === null ? undefined : { wrapped, kekId },
    eventsRequested: row.eventsRequested,
    status: toStatus(row.status),
    statusReason: row.statusReason,
    beginsAnew: row.beginsAnew,
    cursor: {
      logEpoch: row.logEpoch,
      sequence: Number(row.sequence),
      hash: Buffer.from(row.hash).toString('hex'),
      part: row.part,
    },
    acknowledged: row.acknowledged,
    // Only toStoredEvents writes the column, which the type system cannot follow through JSON.
    pending: row.pending as unknown as readonly PendingEvent[],
    failures: row.failures,
    lastFailure: row.lastFailure,
    lastFailureAt: row.lastFailureAt ?? undefined,
    newest: Number(row.newest),
  }
}

function toStatus(text: string): Status {
  return text === 'enabled' || text === 'paused' ? text : 'disabled'
}

/** Turns pending events into the value of their column. */
export function toStoredEvents(events: readonly PendingEvent[]): Prisma.InputJsonValue {
  return events.map((event) => ({ ...event }))
}
