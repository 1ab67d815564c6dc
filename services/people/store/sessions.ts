import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'

/** A session that counts now. */
export interface LiveSession {
  readonly operatorId: string
  readonly subject: string
  /** Epoch of the user. */
  readonly epoch: number
  /** The domain of the operator. */
  readonly domain: string
  readonly name: string
  readonly groups: readonly string[]
  readonly signedInAt: Date
  /** When the person authenticated at the provider; null if the provider does not say. */
  readonly authTime: Date | null
  readonly expiresAt: Date
}

/** A session that begins. */
export interface NewSession {
  /** SHA-256 of the value of the cookie. */
  readonly id: Uint8Array<ArrayBuffer>
  readonly operatorId: string
  readonly subject: string
  readonly epoch: number
  readonly providerId: string
  readonly providerEdge: string
  readonly signedInAt: Date
  readonly authTime: Date | null
  readonly expiresAt: Date
  /** The session at the provider; empty if the provider does not say. */
  readonly sid: string
}

/** Sessions of one user. The oldest ends when another one begins. */
const MAX_SESSIONS = 16

/**
 * Stores a session, and removes the oldest ones beyond 16 of the user. The lock on the user's row makes the number
 * exact.
 */
export async function storeSession(tx: Tx, session: NewSession): Promise<void> {
  const { operatorId, subject } = session
  await tx.$queryRaw`
    SELECT 1 AS one FROM users WHERE operator_id = ${operatorId}::uuid AND subject = ${subject} FOR NO KEY UPDATE`
  await tx.webSession.create({ data: session })
  await tx.$executeRaw`
    DELETE FROM web_sessions WHERE id = ANY (ARRAY(
      SELECT id FROM web_sessions WHERE operator_id = ${operatorId}::uuid AND subject = ${subject}
      ORDER BY signed_in_at DESC, id OFFSET ${MAX_SESSIONS}))`
}

/**
 * Finds a session that counts now. One of a user that is disabled or removed, or whose tokens have been ended since,
 * does not, nor one of a provider that is gone or has changed, nor one of an operator that is not active.
 */
export async function findSession(
  prisma: PrismaClient,
  id: Uint8Array<ArrayBuffer>,
  now: Date,
): Promise<LiveSession | undefined> {
  const [row] = await prisma.$queryRaw<LiveSession[]>`
    SELECT s.operator_id AS "operatorId", s.subject, s.epoch, o.domain, u.name, u.groups, s.signed_in_at AS "signedInAt",
      s.auth_time AS "authTime", s.expires_at AS "expiresAt"
    FROM web_sessions s
      JOIN users u ON u.operator_id = s.operator_id AND u.subject = s.subject
      JOIN identity_providers p ON p.id = s.provider_id AND p.operator_id = s.operator_id
      JOIN operators o ON o.id = s.operator_id
    WHERE s.id = ${id} AND s.expires_at > ${now} AND u.status = 'active' AND u.epoch = s.epoch
      AND p.edge_id = s.provider_edge AND o.status = 'active'`
  return row
}

/** Removes a session. Returns whose it was; undefined if there was none. */
export async function removeSession(
  tx: Tx,
  id: Uint8Array<ArrayBuffer>,
): Promise<{ readonly operatorId: string; readonly subject: string } | undefined> {
  const where = { id }
  const row = await tx.webSession.findUnique({ where, select: { operatorId: true, subject: true } })
  const { count } = await tx.webSession.deleteMany({ where })
  return count === 0 || row === null ? undefined : row
}
