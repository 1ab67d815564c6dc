import { MAX_TOKEN_RECORDS } from '@auth4agent/core/revocation/revocation-log'
import { MAX_TOKEN_TTL_S } from '@auth4agent/core/token/claims'
import type pg from 'pg'
import { type Author, actorName, auditId, inTurn, ON_DATABASE, usedAssertionOf } from '../ledger/ledger.ts'
import { keyColumns, type SignedRequestRow, signedRequestOf } from '../ledger/signed-request.ts'
import { addToDay, costOf, WITH_RESERVE } from '../ledger/storage-bound.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { traced } from '../platform/trace/span.ts'

/** A token or grant to be revoked. */
export interface Revocation {
  /** The operator of the token; for a grant, an operator in its chain: the record ends no grant of another chain. */
  readonly operatorId: string
  /** Id of the token or of the grant. */
  readonly jti: string
  /** When the token expires, in Unix seconds. If undefined, the latest possible expiry of any token is assumed. */
  readonly exp: number | undefined
  /** The caller's reason. */
  readonly reason: string
  readonly action: 'token.revoke' | 'grant.revoke'
}

/** The reason in the audit when an operator's tokens are ended. */
const TOO_MANY_RECORDS = 'TOO_MANY_REVOKED_TOKENS'

/**
 * How long after the expiry of a token its revocation must still be recorded and kept, in seconds. A verifier's clock
 * may be behind the database's by the skew, and the verifier allows the skew again. So it may accept the token for
 * twice the skew after its expiry. Five minutes cover the largest skew.
 */
const KEEP_BEYOND_EXPIRY_S = 300

/**
 * Revokes a token in one statement. With `change` it would need seven, and the caller waits for all of them. It first
 * marks the assertion as used. Of two calls with the same assertion, or for the same token, the second waits for the
 * first. A token that has expired everywhere gets no record, so an anonymous caller cannot cause a record with it. The
 * database's clock decides whether it has expired, as for pruning.
 *
 * An operator that already has its maximum of records gets no new record. Instead, `raised` ends all tokens of the
 * operator, and its records are deleted, because each token that they name was issued before and has an earlier epoch.
 * Statements that run at the same time do not see each other's records, so the maximum can be exceeded by at most the
 * number of connections to the database.
 *
 * `charged` counts what an operator stores in a day. A revocation is never refused for it. Beyond the reserve its
 * request is not kept.
 */
const REVOKE = `
WITH used AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT $5, $6, $7 WHERE $5::text IS NOT NULL ON CONFLICT DO NOTHING RETURNING 1
), admitted AS MATERIALIZED (
  SELECT 1 WHERE $5::text IS NULL OR EXISTS (SELECT 1 FROM used)
), token AS MATERIALIZED (
  SELECT expires_at FROM (
    SELECT coalesce(to_timestamp($3::float8), now() + make_interval(secs => ${MAX_TOKEN_TTL_S}))
      + make_interval(secs => ${KEEP_BEYOND_EXPIRY_S}) AS expires_at FROM admitted
  ) AS known WHERE expires_at > now()
), raised AS (
  UPDATE operators SET epoch = epoch + 1, version = version + 1
  WHERE id = $1::uuid AND epoch < 2147483647 AND EXISTS (SELECT 1 FROM token)
    AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE operator_id = $1::uuid AND jti = $2)
    AND $11 <= (SELECT count(*) FROM (SELECT 1 FROM revoked_tokens WHERE operator_id = $1::uuid LIMIT $11) AS held)
  RETURNING id
), forgotten AS (
  DELETE FROM revoked_tokens USING raised WHERE operator_id = raised.id
), revoked AS (
  INSERT INTO revoked_tokens (operator_id, jti, expires_at) SELECT $1::uuid, $2, expires_at FROM token
  WHERE NOT EXISTS (SELECT 1 FROM raised) ON CONFLICT DO NOTHING RETURNING revoked_at
), done AS MATERIALIZED (
  SELECT 1 FROM revoked UNION ALL SELECT 1 FROM raised
), charged AS (${addToDay('SELECT $21::uuid AS operator_id, $22::bigint AS bytes FROM done WHERE $21::uuid IS NOT NULL')}
), signed AS (
  INSERT INTO signed_requests (id, rpc, signatures, body, body_digest)
  SELECT $15::uuid, $16, $17::text[], $18::bytea, $19 FROM done
  WHERE $15::uuid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM charged WHERE amount > $23)
), audited AS (
  INSERT INTO audit_logs
    (id, operator_id, actor, action, subject, outcome, reason, request_id, trace_id, kid, key_label, signed_request_id)
  SELECT $8::uuid, $1::uuid, $9, $20, $2, 'done'::audit_outcome, $4, $10, $24, $13, $14, $15::uuid FROM done
  UNION ALL
  SELECT $12::uuid, id, $9, 'operator.end-all-tokens', id::text, 'done', '${TOO_MANY_RECORDS}', $10, $24, $13, $14, $15::uuid
  FROM raised
)
SELECT EXISTS (SELECT 1 FROM admitted) AS admitted, (SELECT revoked_at FROM revoked) AS revoked_at,
  EXISTS (SELECT 1 FROM raised) AS raised`

const REVOKED_AT = `
SELECT coalesce(
  (SELECT revoked_at FROM revoked_tokens WHERE operator_id = $1::uuid AND jti = $2), now()
) AS revoked_at`

interface RevokeRow {
  readonly admitted: boolean
  readonly revoked_at: Date | null
  readonly raised: boolean
}

/** Result of revokeToken. */
export interface Revoked {
  readonly revokedAt: Date
  /** The operator whose tokens were all ended. Empty if only this token was ended. */
  readonly endedOperatorId: string
}

/**
 * Revokes a token. When its operator already has `maxRecords` records, ends all tokens of the operator's agents
 * instead.
 * @returns the time of the first revocation, or the current time if the token has no record
 * @throws ApiError ASSERTION_USED
 */
export async function revokeToken(
  { pool }: Db,
  author: Author,
  revocation: Revocation,
  maxRecords = MAX_TOKEN_RECORDS,
): Promise<Revoked> {
  const { operatorId, jti, exp, reason, action } = revocation
  const used = usedAssertionOf(author)
  const { kid, keyLabel } = keyColumns(author)
  const signed = signedRequestOf(author, auditId())
  const statement = {
    name: 'revoke-token',
    text: REVOKE,
    values: [
      operatorId,
      jti,
      exp ?? null,
      reason,
      used?.issuer ?? null,
      used?.jti ?? null,
      used?.keepUntil ?? null,
      auditId(),
      actorName(author.principal),
      author.requestId,
      maxRecords,
      auditId(),
      kid,
      keyLabel,
      signed?.id ?? null,
      signed?.rpc ?? null,
      signed?.signatures ?? null,
      signed?.body ?? null,
      signed?.bodyDigest ?? null,
      action,
      ...chargeOf(author, signed),
      author.span?.traceId ?? '',
    ],
  }
  const query = () => pool.query<RevokeRow>(statement)
  const { rows } = await inTurn(author, () => traced(author.span, `change ${action}`, query, ON_DATABASE))
  const [row] = rows
  if (row?.admitted === false) throw new ApiError('ASSERTION_USED')
  const at = row?.revoked_at ?? (await revokedAt(pool, operatorId, jti))
  return { revokedAt: at, endedOperatorId: row?.raised === true ? operatorId : '' }
}

/** Returns the operator that pays for a revocation, its cost, and the sum beyond which the request is not kept. */
function chargeOf({ principal, storage }: Author, signed: SignedRequestRow | undefined) {
  if (storage === undefined || !('operatorId' in principal)) return [null, 0, 0]
  return [principal.operatorId, costOf(signed, 1), storage.bytesPerDay * WITH_RESERVE]
}

/**
 * Reads the time of the first revocation. This needs a new statement, because REVOKE itself does not see a commit for
 * which it has waited.
 */
async function revokedAt(pool: pg.Pool, operatorId: string, jti: string): Promise<Date> {
  const { rows } = await pool.query<{ revoked_at: Date }>(REVOKED_AT, [operatorId, jti])
  const [row] = rows
  if (row === undefined) throw new Error('The statement REVOKED_AT returned no row')
  return row.revoked_at
}
