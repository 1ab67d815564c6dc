import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import type { ListKeyEventsRequest } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { parsePageSize, parseSeqToken } from '../../platform/requests/page.ts'
import type { Cause } from '../../platform/trace/span.ts'
import { resolveOwner } from '../resolve-did.ts'
import type { KeyEventDeps } from './deps.ts'
import { computedInception } from './read-key-log.ts'

/** An event of a log, as the list shows it. */
interface ListedEvent {
  readonly seq: number
  readonly type: string
  readonly event: string
  readonly digest: string
  readonly recordedAt: Date
}

/** An event that waits, as the list shows it. */
interface ListedPending {
  readonly type: string
  readonly event: string
  readonly digest: string
  readonly requestedAt: Date
  readonly effectiveAt: Date
  readonly releasedAt: Date | null
}

/** One page of a log, and all that waits. */
interface KeyEventPage {
  readonly events: readonly ListedEvent[]
  /** Number of the last event of the page, if there are more. */
  readonly last: number | undefined
  readonly pending: readonly ListedPending[]
}

const SIZES = { default: 100, max: 500 }
/** A page has no further event after this many bytes, because anybody may ask for pages of the longest events. */
const MAX_PAGE_BYTES = 128 * 1024

/**
 * Reads one page of the log of an agent. The inception of an agent without stored events is computed.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export async function listKeyEvents(
  deps: KeyEventDeps,
  { did, pageSize, pageToken }: ListKeyEventsRequest,
  cause: Cause,
): Promise<KeyEventPage> {
  const size = parsePageSize(pageSize, SIZES)
  const after = parseSeqToken(pageToken) ?? -1
  const { prisma } = deps.db
  const operator = await resolveOwner(deps, did, cause)
  const log = await readEnd(prisma, operator.id, did)
  const pending = log.status === 'revoked' ? [] : await findPending(prisma, log.agentId)
  const events = await findEvents(prisma, log, after, size)
  const last = events.at(-1)?.seq
  return { events, last: last !== undefined && last < (log.lastSeq ?? 0) ? last : undefined, pending }
}

/** What a list needs to know of a log, whose cost does not grow with the log. */
interface LogEnd {
  readonly agentId: string
  readonly status: AgentStatus
  readonly createdAt: Date
  readonly publicKey: Uint8Array
  /** Number of the last event; null if the table has no event of the agent. */
  readonly lastSeq: number | null
}

async function readEnd(prisma: PrismaClient, operatorId: string, did: string): Promise<LogEnd & { did: string }> {
  const [row] = await prisma.$queryRaw<LogEnd[]>`
    SELECT a.id AS "agentId", a.status::text, a.created_at AS "createdAt", k.public_key AS "publicKey",
      (SELECT seq FROM agent_key_events WHERE agent_id = a.id ORDER BY seq DESC LIMIT 1) AS "lastSeq"
    FROM agents a JOIN agent_keys k ON k.agent_id = a.id AND k.retired_at IS NULL
    WHERE a.operator_id = ${operatorId}::uuid AND a.did = ${did}`
  if (row === undefined) throw new ApiError('AGENT_NOT_FOUND')
  return { did, ...row }
}

type EventRow = Omit<ListedEvent, 'digest'> & { readonly digest: Uint8Array }

async function findEvents(
  prisma: PrismaClient,
  { agentId, did, createdAt: recordedAt, publicKey, lastSeq }: LogEnd & { did: string },
  after: number,
  size: number,
): Promise<readonly ListedEvent[]> {
  if (lastSeq === null) {
    const { claims, text: event, digest } = computedInception(did, ed25519Jwk(publicKey), recordedAt)
    return after < 0 ? [{ seq: claims.seq, type: claims.type, event, digest, recordedAt }] : []
  }
  const rows = await prisma.$queryRaw<EventRow[]>`
    SELECT seq, type, event, digest, recorded_at AS "recordedAt" FROM (
      SELECT seq, type::text, event, digest, recorded_at, octet_length(event) AS bytes,
        sum(octet_length(event)) OVER (ORDER BY seq) AS sum
      FROM (
        SELECT * FROM agent_key_events WHERE agent_id = ${agentId}::uuid AND seq > ${after} ORDER BY seq LIMIT ${size}
      ) events
    ) page WHERE sum - bytes < ${MAX_PAGE_BYTES} ORDER BY seq`
  return rows.map(({ digest, type, ...event }) =>
    // The database writes add_key for the type add-key.
    Object.assign(event, { type: type.replace('_', '-'), digest: encodeBase64url(digest) }),
  )
}

async function findPending(prisma: PrismaClient, agentId: string): Promise<readonly ListedPending[]> {
  const rows = await prisma.agentPendingEvent.findMany({ where: { agentId }, orderBy: { type: 'asc' } })
  return rows.map(({ digest, ...event }) => Object.assign(event, { digest: encodeBase64url(digest) }))
}
