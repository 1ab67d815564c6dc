import { decodeBase64url, encodeBase64url } from '@auth4agent/core/encoding/base64'
import { type Ed25519Jwk, readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { type KeyEvent, parseKeyEvent, recordedInception } from '@auth4agent/core/key-events/key-event'
import type { AddedKey } from '@auth4agent/core/key-events/key-state'
import { ed25519Jwk } from '@auth4agent/core/key-events/sign-key-event'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { KeyLog, WaitingRecovery } from '../domain/key-log.ts'
import { newKidsOf } from '../domain/new-kids.ts'
import type { AgentName } from '../domain/parse-agent-name.ts'
import { isNamed, lockRow } from '../store.ts'

interface AddedKeyRow {
  readonly kid: string
  readonly jwk: unknown
  readonly label: string
  readonly exp: number
}

interface LogRow {
  readonly id: string
  readonly did: string
  readonly status: AgentStatus
  readonly created_at: Date
  readonly moved_to: string | null
  readonly public_key: Uint8Array
  readonly thumbprint: string
  readonly next: string | null
  readonly used: readonly string[]
  readonly added: readonly AddedKeyRow[]
  /** The last event of the table. */
  readonly event: string | null
  readonly recovery: string | null
  readonly digest: Uint8Array | null
  readonly requested_at: Date | null
  readonly effective_at: Date | null
}

/**
 * Reads the log of an operator's agent in one statement, so that all parts are of the same moment. Locks nothing.
 *
 * A long log has thousands of used keys. So the state has only those that can decide about `event`, or all if a
 * recovery waits, which names keys too.
 *
 * @param event the event that the state is asked about; of others, only a recovery that waits may be applied
 * @throws ApiError AGENT_NOT_FOUND
 */
export async function readKeyLog(
  prisma: PrismaClient | Tx,
  operatorId: string,
  name: AgentName,
  event: KeyEvent | undefined,
): Promise<KeyLog> {
  const kids = event === undefined ? [] : newKidsOf(event.claims)
  const [row] = await prisma.$queryRaw<LogRow[]>`
    SELECT a.id, a.did, a.status::text, a.created_at, a.moved_to, k.public_key, k.thumbprint, k.next,
      ARRAY(SELECT thumbprint FROM agent_keys
        WHERE agent_id = a.id AND (r.event IS NOT NULL OR thumbprint = ANY (${kids}))) AS used,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('kid', thumbprint, 'jwk', public_jwk, 'label', label,
        'exp', extract(epoch FROM expires_at)::bigint) ORDER BY thumbprint), '[]')
        FROM agent_added_keys WHERE agent_id = a.id) AS added,
      (SELECT event FROM agent_key_events WHERE agent_id = a.id ORDER BY seq DESC LIMIT 1) AS event,
      r.event AS recovery, r.digest, r.requested_at, r.effective_at
    FROM (SELECT * FROM agents WHERE operator_id = ${operatorId}::uuid AND ${isNamed(name)}) a
    JOIN agent_keys k ON k.agent_id = a.id AND k.retired_at IS NULL
    LEFT JOIN agent_pending_events r ON r.agent_id = a.id AND r.type = 'recover'`
  if (row === undefined) throw new ApiError('AGENT_NOT_FOUND')
  return toKeyLog(row, operatorId)
}

/**
 * Locks the row of an operator's agent until the transaction ends, and reads its log as readKeyLog does.
 *
 * @throws ApiError AGENT_NOT_FOUND
 */
export async function lockKeyLog(
  tx: Tx,
  operatorId: string,
  name: AgentName,
  event: KeyEvent | undefined,
): Promise<KeyLog> {
  await lockRow(tx, operatorId, name)
  // Read after locking: only a statement that begins after the lock sees what the previous lock holder committed.
  return readKeyLog(tx, operatorId, name, event)
}

function toKeyLog(row: LogRow, operatorId: string): KeyLog {
  const { id, did, status, created_at: createdAt, next, used } = row
  const key = ed25519Jwk(row.public_key)
  const computed = row.event === null ? computedInception(did, key, createdAt) : undefined
  const last = computed ?? parseStored(row.event ?? '')
  const state = {
    did,
    previousDids: [],
    seq: last.claims.seq,
    head: last.digest,
    iat: last.claims.iat,
    createdAt: Math.floor(createdAt.getTime() / 1000),
    recorded: computed !== undefined,
    key,
    kid: row.thumbprint,
    next: next ?? undefined,
    addedKeys: row.added.flatMap(toAddedKey),
    usedKids: new Set(used),
    deactivated: last.claims.type === 'deactivate',
  }
  const movedTo = row.moved_to ?? undefined
  return { agentId: id, operatorId, status, movedTo, createdAt, state, computed, recovery: toRecovery(row) }
}

/** Computes the inception of an agent that has no event in the table. Its only key is its first one. */
export function computedInception(did: string, key: Ed25519Jwk, createdAt: Date): KeyEvent {
  return parseStored(recordedInception({ did, key, iat: Math.floor(createdAt.getTime() / 1000) }))
}

/** Parses an event that the server has accepted before. */
export function parseStored(text: string): KeyEvent {
  const event = parseKeyEvent(text)
  if (!event.ok) throw new Error(`A stored key event must be well-formed: ${event.demand}`)
  return event
}

function toAddedKey({ kid, jwk, label, exp }: AddedKeyRow): AddedKey[] {
  const known = readPublicJwk(jwk)
  return known === undefined || known.kty === 'RSA' ? [] : [{ kid, jwk: known, label, exp }]
}

function toRecovery(row: LogRow): WaitingRecovery | undefined {
  const { recovery: text, digest, requested_at: requestedAt, effective_at: effectiveAt } = row
  if (text === null || digest === null || requestedAt === null || effectiveAt === null) return undefined
  return { text, digest: encodeBase64url(digest), requestedAt, effectiveAt }
}

/** Returns the bytes of a digest for the database. */
export function digestBytes(digest: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(decodeBase64url(digest) ?? [])
}
