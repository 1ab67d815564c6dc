import { sha256Text } from '@auth4agent/core/encoding/sha256'
import type { Cursor, PendingEvent, Stream } from '../store/stream.ts'
import { jtiKey, type SubjectChoices, subKey } from '../store/subjects.ts'
import { deliveredTypes, PENDING_EVENTS } from './event-types.ts'
import type { LoggedRecord } from './read-log.ts'
import { type SecurityEvent, type SubjectId, toEvents } from './to-events.ts'

/** The claims of a security event token (RFC 8417 and SSF section 4.1): no `sub` and no `exp`, one event. */
export interface SetClaims {
  readonly iss: string
  readonly jti: string
  /** Unix seconds. */
  readonly iat: number
  readonly aud: string
  readonly txn: string
  readonly sub_id: SubjectId
  readonly events: Readonly<Record<string, object>>
}

/** An event that a stream delivers, and the cursor of the stream when it is delivered. */
export interface LogSet {
  readonly claims: SetClaims
  readonly cursor: Cursor
}

/** Returns the audience of a stream. It names one receiver of this issuer. */
export function audienceOf(issuer: string, streamId: string): string {
  return `${issuer}/ssf/streams/${streamId}`
}

/** Returns the key of the subject of a record by which a receiver adds or removes it. */
export function choiceKey({
  kind,
  operatorId,
  subject,
}: Pick<LoggedRecord, 'kind' | 'operatorId' | 'subject'>): string {
  return kind === 'token' ? jtiKey(subject) : subKey(kind === 'operator' ? operatorId : subject)
}

/**
 * Returns what a stream delivers of one record, or undefined if this version does not know the record's kind. The time
 * and the id of a token come from the record, so the same event is the same token, however often it is sent.
 */
export function buildSets(
  issuer: string,
  stream: Pick<Stream, 'id' | 'operatorId' | 'cursor' | 'eventsRequested'>,
  record: LoggedRecord,
  choices: SubjectChoices,
): readonly LogSet[] | undefined {
  const { logEpoch, sequence, previousHash, hash, recordedAt } = record
  const isForeign = record.operatorId !== '' && record.operatorId !== stream.operatorId
  // The log tells everybody what ended, but why is for the operator alone.
  const events = toEvents(isForeign ? { ...record, cause: null } : record, issuer)
  if (events === undefined) return undefined
  const delivered = choices.get(choiceKey(record)) === 'removed' ? [] : partsOf(stream, record, events)
  return delivered.map(({ event, part }, index): LogSet => {
    const claims = {
      iss: issuer,
      jti: sha256Text([stream.id, logEpoch, sequence, hash, part].join('\n'), 'base64url'),
      iat: Math.floor(recordedAt / 1000),
      aud: audienceOf(issuer, stream.id),
      txn: `${logEpoch}-${sequence}`,
      sub_id: event.subject,
      events: { [event.type]: event.payload },
    }
    const isLast = index === delivered.length - 1
    const before = { logEpoch, sequence: sequence - 1, hash: previousHash, part: part + 1 }
    return { claims, cursor: isLast ? cursorAt(record) : before }
  })
}

/** Returns the cursor after a whole record. */
export function cursorAt({ logEpoch, sequence, hash }: Pick<LoggedRecord, 'logEpoch' | 'sequence' | 'hash'>): Cursor {
  return { logEpoch, sequence, hash, part: 0 }
}

/** Returns the claims of a pending event. Its subject is the stream itself. */
export function pendingClaims(issuer: string, stream: Pick<Stream, 'id'>, event: PendingEvent): SetClaims {
  const { jti, iat, kind, ...payload } = event
  return {
    iss: issuer,
    jti,
    iat,
    aud: audienceOf(issuer, stream.id),
    txn: jti,
    sub_id: { format: 'opaque', id: stream.id },
    events: { [PENDING_EVENTS[kind]]: payload },
  }
}

/** Returns the events of a record that are still to be delivered, with their numbers. */
function partsOf(
  stream: Pick<Stream, 'cursor' | 'eventsRequested'>,
  record: LoggedRecord,
  events: readonly SecurityEvent[],
) {
  const types = deliveredTypes(stream)
  const first = record.sequence === stream.cursor.sequence + 1 ? stream.cursor.part : 0
  return events
    .map((event, part) => ({ event, part }))
    .filter(({ event: { type }, part }) => part >= first && types.includes(type))
}
