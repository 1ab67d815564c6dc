import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Tx } from '../../platform/db/db.ts'
import { hasSidEnded, lockSid } from './ended-sids.ts'
import { signedOutMeanwhile } from './sign-in.ts'

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
 * Stores a session, and removes the earlier one of the browser and the oldest ones beyond 16 of the user. The lock on
 * the user's row makes the number exact, and every logout comes before or after it. A logout takes the same locks in
 * the same order, and only then removes sessions.
 *
 * @param redeemedAt when the server began to redeem the answer of the provider, as the database writes it
 * @param before id of the earlier session of the browser
 * @returns whose the earlier session was; undefined if there was none
 * @throws ApiError SIGN_IN_FAILED if the user has been signed out since
 */
export async function storeSession(
  tx: Tx,
  session: NewSession,
  redeemedAt: string,
  before: Uint8Array<ArrayBuffer> | undefined,
): Promise<Owner | undefined> {
  const { operatorId, subject, sid } = session
  if (sid !== '') {
    await lockSid(tx, session)
    if (await hasSidEnded(tx, session)) throw signedOutMeanwhile()
  }
  const ended = await tx.$queryRaw<{ since: boolean | null }[]>`
    SELECT signed_out_at >= ${redeemedAt}::timestamptz AS since FROM users
    WHERE operator_id = ${operatorId}::uuid AND subject = ${subject} FOR NO KEY UPDATE`
  if (ended[0]?.since === true) throw signedOutMeanwhile()
  const earlier = before && (await removeSession(tx, before))
  await tx.webSession.create({ data: session })
  await tx.$executeRaw`
    DELETE FROM web_sessions WHERE id = ANY (ARRAY(
      SELECT id FROM web_sessions WHERE operator_id = ${operatorId}::uuid AND subject = ${subject}
      ORDER BY signed_in_at DESC, id OFFSET ${MAX_SESSIONS}))`
  return earlier
}

/** Names the user of a session. */
interface Owner {
  readonly operatorId: string
  readonly subject: string
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
export async function removeSession(tx: Tx, id: Uint8Array<ArrayBuffer>): Promise<Owner | undefined> {
  const where = { id }
  const row = await tx.webSession.findUnique({ where, select: { operatorId: true, subject: true } })
  const { count } = await tx.webSession.deleteMany({ where })
  return count === 0 || row === null ? undefined : row
}
