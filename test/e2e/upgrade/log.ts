import { recordHash } from '@auth4agent/core/revocation/record-hash'
import type { Pool } from 'pg'
import { createLogStore } from '../../../services/revocation/log-store.ts'

/** The record that ends tokens in the revocation log. */
export interface LogEntry {
  readonly kind: string
  readonly operator: string
  readonly subject: string
}

const LOGGED = 'SELECT 1 FROM revocation_log WHERE kind = $1 AND operator_id = $2::uuid AND subject = $3'

/** Lists what has ended, by the rows that both versions write, but is missing in the log. Also checks its length. */
const LOST = `
WITH ended AS (
  SELECT 'token' AS kind, operator_id, jti AS subject, 0 AS epoch FROM revoked_tokens WHERE expires_at > now()
  UNION ALL SELECT 'agent', operator_id, did, epoch FROM agents WHERE epoch > 1
  UNION ALL SELECT 'operator', id, '', epoch FROM operators WHERE epoch > 1
)
SELECT kind, operator_id, subject FROM ended e WHERE NOT EXISTS (
  SELECT 1 FROM revocation_log l
  WHERE l.kind = e.kind AND l.operator_id = e.operator_id AND l.subject = e.subject AND l.minimum_epoch = e.epoch
)
UNION ALL
SELECT 'gap', NULL, NULL FROM revocation_head h WHERE h.sequence <> (SELECT count(*) FROM revocation_log)`

/** A limit for reading records: more than any test writes. */
const MAX_RECORDS = 100_000

/** Tells whether the log contains such a record. */
export async function isLogged(database: Pool, { kind, operator, subject }: LogEntry): Promise<boolean> {
  const { rowCount } = await database.query(LOGGED, [kind, operator, subject])
  return rowCount === 1
}

/**
 * Returns endings that are missing in the log, one `gap` if the number of records is wrong, and records that break the
 * hash chain.
 */
export async function lostRecords(database: Pool): Promise<readonly unknown[]> {
  const { rows } = await database.query(LOST)
  const records = await createLogStore(database, 'test').recordsAfter(0, MAX_RECORDS)
  const broken = records.filter((record, index) => {
    const before = records[index - 1]?.hash ?? ''
    return record.previousHash !== before || recordHash(record) !== record.hash
  })
  return [...rows, ...broken]
}
