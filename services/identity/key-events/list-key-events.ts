import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { ListKeyEventsRequest } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { parsePageSize, parseSeqToken } from '../../platform/requests/page.ts'
import type { KeyLog } from '../domain/key-log.ts'
import { resolveOwner } from '../resolve-did.ts'
import type { KeyEventDeps } from './deps.ts'
import { readKeyLog } from './read-key-log.ts'

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
/** A page has no further event after this many bytes, because gRPC clients accept 4 MiB by default. */
const MAX_PAGE_BYTES = 1024 * 1024

/**
 * Reads one page of the log of an agent. The inception of an agent without stored events is computed.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, INVALID_ARGUMENT, INVALID_PAGE_TOKEN
 */
export async function listKeyEvents(
  deps: KeyEventDeps,
  { did, pageSize, pageToken }: ListKeyEventsRequest,
): Promise<KeyEventPage> {
  const size = parsePageSize(pageSize, SIZES)
  const after = parseSeqToken(pageToken) ?? -1
  const { prisma } = deps.db
  const operator = await resolveOwner(deps, did)
  const log = await readKeyLog(prisma, operator.id, { did })
  const pending = log.status === 'revoked' ? [] : await findPending(prisma, log.agentId)
  const events = await findEvents(prisma, log, after, size)
  const last = events.at(-1)?.seq
  return { events, last: last !== undefined && last < log.state.seq ? last : undefined, pending }
}

type EventRow = Omit<ListedEvent, 'digest'> & { readonly digest: Uint8Array }

async function findEvents(
  prisma: PrismaClient,
  { agentId, computed, createdAt: recordedAt }: KeyLog,
  after: number,
  size: number,
): Promise<readonly ListedEvent[]> {
  if (computed !== undefined) {
    const { claims, text: event, digest } = computed
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
