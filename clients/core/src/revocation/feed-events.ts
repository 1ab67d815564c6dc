import { decodeBase64 } from '../encoding/base64.ts'
import { isJsonObject, parseStrictJson } from '../encoding/strict-json.ts'
import type { ServerSentEvent } from './event-stream.ts'
import { FeedError, type FeedEvent, notUnderstood } from './feed.ts'
import { type LogPosition, REVOCATION_KINDS, type RevocationRecord } from './revocation-log.ts'

/** The longest operator id and the longest subject. Every server's are shorter: the longest DID has 296 characters. */
const MAX_LENGTH = { operatorId: 64, subject: 512 } as const

type Members = Readonly<Record<string, unknown>>

/** The reason of a server that cannot continue from the position. */
const RESYNC_REQUIRED = 'RESYNC_REQUIRED'
/** The reason of a server that has no capacity for another stream. */
const RATE_LIMITED = 'RATE_LIMITED'
const KIND_PREFIX = 'REVOCATION_KIND_'
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/

/**
 * Formats a position as servers expect it in the header Last-Event-ID.
 *
 * @example
 * ```ts
 * import { eventId } from '@auth4agent/core/revocation/feed-events'
 *
 * const headers = { 'last-event-id': eventId(position) }
 * ```
 */
export function eventId({ logEpoch, sequence, hash }: LogPosition): string {
  return `${logEpoch}-${sequence}-${Buffer.from(hash, 'hex').toString('base64url')}`
}

/**
 * Returns the options of a FeedError for the reason that a server gives.
 *
 * @example
 * ```ts
 * import { FeedError } from '@auth4agent/core/revocation/feed'
 * import { meaningOf } from '@auth4agent/core/revocation/feed-events'
 *
 * throw new FeedError('The server refuses the stream', meaningOf(problem.reason))
 * ```
 */
export function meaningOf(reason: unknown) {
  return { mustBeginAgain: reason === RESYNC_REQUIRED, isFull: reason === RATE_LIMITED }
}

/**
 * Reads one server-sent event of the revocation log. Throws FeedError for an event that is malformed, unknown, or says
 * that the server ends the feed.
 *
 * @example
 * ```ts
 * import { readEvents } from '@auth4agent/core/revocation/event-stream'
 * import { readFeedEvent } from '@auth4agent/core/revocation/feed-events'
 *
 * for await (const event of readEvents(response.body)) console.log(readFeedEvent(event).kind)
 * ```
 */
export function readFeedEvent({ name, data }: ServerSentEvent): FeedEvent {
  const json = parseStrictJson(Buffer.from(data))
  if (!json.ok) throw malformed(name)
  if (name === 'error') {
    const { reason } = json.value
    const message = `The server has ended the feed with ${String(reason).slice(0, 64)}`
    throw new FeedError(message, meaningOf(reason))
  }
  const event = name === 'record' ? readRecord(json.value) : name === 'head' ? readHead(json.value) : undefined
  if (event === undefined) throw malformed(name)
  return event
}

function readHead(json: Members): FeedEvent | undefined {
  const position = readPosition(json['position'])
  const observedAt = readTime(json['observed_at'])
  return position && observedAt !== undefined ? { kind: 'head', position, observedAt } : undefined
}

function readRecord(json: Members): FeedEvent | undefined {
  const position = readPosition(json['position'])
  const { kind, operator_id: operatorId, subject, minimum_epoch: minimumEpoch } = json
  const previousHash = readHash(json['previous_hash'])
  const [expiresAt, recordedAt] = [readTime(json['expires_at']), readTime(json['recorded_at'])]
  if (position === undefined || previousHash === undefined || expiresAt === undefined || recordedAt === undefined) {
    return undefined
  }
  if (!isText(operatorId, MAX_LENGTH.operatorId) || !isText(subject, MAX_LENGTH.subject)) return undefined
  if (!isCount(minimumEpoch)) return undefined
  const known = { operatorId, subject, minimumEpoch, expiresAt, recordedAt, previousHash }
  const record: RevocationRecord = { ...position, ...known, kind: readKind(kind) }
  return { kind: 'record', record }
}

/** Returns the name of the kind that is part of the hash, or 'unknown' for a kind that this version does not know. */
function readKind(value: unknown): string {
  return REVOCATION_KINDS.find((kind) => value === KIND_PREFIX + kind.toUpperCase()) ?? 'unknown'
}

function readPosition(value: unknown): LogPosition | undefined {
  if (!isJsonObject(value)) return undefined
  const { log_epoch: logEpoch, sequence } = value
  const hash = readHash(value['hash'])
  return isCount(logEpoch) && isCount(sequence) && hash !== undefined ? { logEpoch, sequence, hash } : undefined
}

function readHash(value: unknown): string | undefined {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  return bytes?.length === 32 || bytes?.length === 0 ? Buffer.from(bytes).toString('hex') : undefined
}

function readTime(value: unknown): number | undefined {
  const ms = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function malformed(name: string): FeedError {
  return notUnderstood(`The feed has sent a malformed or unknown event ${JSON.stringify(name.slice(0, 32))}`)
}
