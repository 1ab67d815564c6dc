import type pg from 'pg'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change, systemAuthor } from '../../ledger/ledger.ts'
import type { Db } from '../../platform/db/db.ts'
import type { PassedTime } from '../../platform/db/passed-time.ts'
import { REMOVED } from './users.ts'

/** Users that one transaction removes. Each has a record in the revocation log, whose head the transaction locks. */
const BATCH = 100
/** Rows that one statement deletes. */
const DELETE_BATCH = 1_000

/** Removes the users of providers that are gone, and deletes the rows of users that were removed long ago. */
export async function sweepUsers({
  db,
  passedTime,
}: {
  readonly db: Db
  readonly passedTime: PassedTime
}): Promise<void> {
  const author = systemAuthor('people')
  while (await removeOrphans(db.prisma, author));
  await deleteRemoved(db.pool, passedTime)
}

/**
 * Removes up to 100 users whose identity provider is gone. Their tokens have ended with the edge of the provider. A
 * disabled user stays, because the operator may put the same provider again, and must not let the person in by that.
 * When the operator has lost its domain, disabled users go too, because nobody could remove them. Returns true when
 * there may be more.
 *
 * The providers of all users are read from their index one by one, so a pass does not read the users of the others.
 */
function removeOrphans(prisma: PrismaClient, author: Author): Promise<boolean> {
  return change(prisma, author, async (tx, audit) => {
    const removed = await tx.$queryRaw<{ operator_id: string; subject: string }[]>`
      WITH RECURSIVE named AS (
        (SELECT provider_id AS id FROM users WHERE provider_id IS NOT NULL ORDER BY provider_id LIMIT 1)
        UNION ALL
        SELECT (SELECT provider_id FROM users WHERE provider_id > named.id ORDER BY provider_id LIMIT 1)
        FROM named WHERE named.id IS NOT NULL
      ), orphans AS MATERIALIZED (
        SELECT found.* FROM named CROSS JOIN LATERAL (
          SELECT u.operator_id, u.subject FROM users u JOIN operators o ON o.id = u.operator_id
          WHERE u.provider_id = named.id AND (u.status = 'active' OR o.status IN ('released', 'superseded'))
          LIMIT ${BATCH} FOR NO KEY UPDATE OF u SKIP LOCKED
        ) found
        WHERE NOT EXISTS (SELECT FROM identity_providers p WHERE p.id = named.id) LIMIT ${BATCH}
      )
      UPDATE users SET ${REMOVED} FROM orphans o
      WHERE users.operator_id = o.operator_id AND users.subject = o.subject
      RETURNING users.operator_id, users.subject`
    const reason = 'its identity provider is gone'
    await audit(
      ...removed.map(({ operator_id: operatorId, subject }) => {
        return { action: 'user.remove' as const, subject, operatorId, reason }
      }),
    )
    return removed.length === BATCH
  })
}

/**
 * Deletes the rows of users that were removed more than two hours ago. A token lives for an hour at most, so none of
 * their tokens is left. A person who signs in again is a new user then, at epoch 1. So the row also stays while the
 * log may have its record, which would end the tokens of the new user. The record was written within five minutes
 * after `removed_at`, and the log loses its oldest records first.
 */
async function deleteRemoved(pool: pg.Pool, passed: PassedTime): Promise<void> {
  const ms = await passed.read()
  if (ms === undefined) return
  let deleted: number | null
  do {
    const { rowCount } = await pool.query(
      `DELETE FROM users WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM users WHERE removed_at < least(
           to_timestamp($2::float8 / 1000) - interval '2 hours',
           (SELECT recorded_at FROM revocation_log ORDER BY sequence LIMIT 1) - interval '5 minutes')
         ORDER BY removed_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
      [DELETE_BATCH, ms],
    )
    deleted = rowCount
  } while (deleted === DELETE_BATCH)
}
