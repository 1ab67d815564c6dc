import { KEEP_BEYOND_EXPIRY_S } from '../ledger/ledger.ts'
import { selectOwner } from '../operator-registry/index.ts'
import { IS_REPLICATED } from '../platform/db/durability.ts'

/** `issuer` of the rows of DPoP proofs. No operator id has this text. */
export const DPOP_ISSUER = 'dpop'

/** A further column of the input: its name and its type. */
type Column = readonly [name: string, type: string]

/** The fragments of the statement that only some redemptions need. */
interface Parts {
  readonly input: readonly Column[]
  /** Columns of `judged`. */
  readonly columns: string
  readonly join: string
  /** Thumbprint of the key that has signed. */
  readonly thumbprint: string
  /** Whether the agent still has the key that has signed. */
  readonly isCurrent: string
  /** Whether only the expiry of an added key is against the redemption. */
  readonly isExpired: string
  /** Purpose of the key that signs. */
  readonly purpose: string
  /** The columns and values of the audit that depend on the parts, and where further rows come from. */
  readonly audit: { readonly columns: string; readonly values: string; readonly rows: string }
  /** Further condition for a row of `redeemable`. */
  readonly redeemable: string
  /** The subqueries that insert the DPoP proofs, and mark the grants of other issuers as used. */
  readonly used: string
  /** Condition for a row of `redeemable` to be redeemed. */
  readonly redeemed: string
  readonly replayed: string
  readonly grantUsed: string
  readonly grantExpired: string
}

/** The parts of a token for which the identity key has signed, without a DPoP proof. */
const NONE: Parts = {
  input: [],
  columns: '',
  join: '',
  thumbprint: 'k.thumbprint',
  isCurrent: 'k.thumbprint IS NOT NULL',
  isExpired: 'false',
  purpose: "'access_token'",
  audit: { columns: 'id, operator_id, action', values: "audit_id, operator_id, 'token.issue'", rows: '' },
  redeemable: '',
  used: '',
  redeemed: 'true',
  replayed: 'false',
  grantUsed: 'false',
  grantExpired: 'false',
}

/** Whether the DPoP proof of a row of `redeemable` is new, or the row has none. */
const IS_PROVEN = "(dpop_id = '' OR (is_first AND dpop_id IN (SELECT dpop_id FROM proven)))"
const IS_GRANTED = '(grant_issuer, grant_jti) IN (SELECT issuer, jti FROM granted)'

/**
 * The parts for DPoP proofs, added keys, grants and exchanges.
 *
 * Without a change of the agent's version, an added key can only be missing because it has expired. An exchange has a
 * row in the audit of each operator. `audits` is JSON: a list of pairs of record and operator. A grant of another
 * issuer is used with the redemption. One that expired before clock_reached stays expired when the clock is set back,
 * because the row about its use may have been removed already.
 */
const ALL: Parts = {
  input: [
    ['dpop_id', 'text'],
    ['dpop_keep_until', 'bigint'],
    ['added_kid', 'text'],
    ['purpose', 'text'],
    ['action', 'text'],
    ['reason', 'text'],
    ['audits', 'text'],
    ['grant_issuer', 'text'],
    ['grant_jti', 'text'],
    ['grant_exp', 'bigint'],
  ],
  columns: `, t.dpop_id, t.dpop_keep_until, t.place = min(t.place) OVER (PARTITION BY t.dpop_id) AS is_first,
    r.challenge_id IS NOT NULL AS is_used,
    t.purpose, t.action, t.reason, t.audits, t.grant_issuer, t.grant_jti, t.grant_exp,
    t.place = min(t.place) OVER (PARTITION BY t.grant_issuer, t.grant_jti) AS is_first_use, u.jti IS NOT NULL AS was_used,
    t.grant_jti <> '' AND to_timestamp(t.grant_exp)
      <= greatest(clock_timestamp(), (SELECT clock_reached FROM deployment)) AS grant_expired`,
  join: `
  LEFT JOIN LATERAL (
    SELECT challenge_id FROM redemptions WHERE challenge_id = t.challenge_id AND t.dpop_id <> '' OFFSET 0
  ) r ON true
  LEFT JOIN LATERAL (
    SELECT thumbprint FROM agent_added_keys
    WHERE agent_id = t.agent_id AND thumbprint = t.added_kid AND t.added_kid <> ''
      AND expires_at > greatest(clock_timestamp(), (SELECT clock_reached FROM deployment)) OFFSET 0
  ) n ON true
  LEFT JOIN LATERAL (
    SELECT jti FROM used_assertions WHERE issuer = t.grant_issuer AND jti = t.grant_jti AND t.grant_jti <> '' OFFSET 0
  ) u ON true`,
  thumbprint: 'coalesce(n.thumbprint, k.thumbprint)',
  isCurrent: "k.thumbprint IS NOT NULL AND (t.added_kid = '' OR n.thumbprint IS NOT NULL)",
  isExpired: "k.thumbprint IS NOT NULL AND t.added_kid <> '' AND n.thumbprint IS NULL",
  purpose: 't.purpose::key_purpose',
  audit: {
    columns: 'id, operator_id, action, reason',
    values: '(record->>0)::uuid, (record->>1)::uuid, action, reason',
    rows: ', json_array_elements(audits::json) record',
  },
  redeemable: "AND NOT is_used AND NOT grant_expired AND NOT was_used AND (grant_jti = '' OR is_first_use)",
  used: `
), proven AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT '${DPOP_ISSUER}', dpop_id, to_timestamp(dpop_keep_until + ${KEEP_BEYOND_EXPIRY_S}) FROM redeemable
  WHERE dpop_id <> '' AND is_first
  ORDER BY dpop_id
  ON CONFLICT DO NOTHING
  RETURNING jti AS dpop_id
), granted AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT grant_issuer, grant_jti, to_timestamp(grant_exp + ${KEEP_BEYOND_EXPIRY_S}) FROM redeemable
  WHERE grant_jti <> '' AND ${IS_PROVEN}
  ORDER BY grant_issuer, grant_jti
  ON CONFLICT DO NOTHING
  RETURNING issuer, jti`,
  redeemed: `${IS_PROVEN} AND (grant_jti = '' OR ${IS_GRANTED})`,
  replayed: "dpop_id <> '' AND NOT is_used AND NOT (is_first AND dpop_id IN (SELECT dpop_id FROM proven))",
  grantUsed: `grant_jti <> '' AND (was_used OR NOT is_first_use OR (${IS_PROVEN} AND NOT ${IS_GRANTED}))`,
  grantExpired: 'grant_expired',
}

/** Number of the parameters that every statement has. */
const PARAMETERS = 17

/**
 * Whether the audiences still have the owners from which the decision was made, in the same versions. `owners` is
 * JSON: a list of SeenOwner, or empty text.
 */
const ARE_OWNERS_CURRENT = `CASE WHEN t.owners = '' THEN true ELSE NOT EXISTS (
      SELECT FROM json_to_recordset(t.owners::json) AS seen (domains text[], "operatorId" text, version int)
      LEFT JOIN LATERAL (${selectOwner('seen.domains')}) owner ON true
      WHERE coalesce(owner.id::text, '') IS DISTINCT FROM seen."operatorId"
        OR coalesce(owner.version, 0) IS DISTINCT FROM seen.version
    ) END`

/** Makes the statement. */
const statement = (parts: Parts): string => {
  const parameters = parts.input.map(([, type], index) => `, $${PARAMETERS + 1 + index}::${type}[]`).join('')
  const names = parts.input.map(([name]) => `, ${name}`).join('')
  return `
WITH judged AS MATERIALIZED (
  SELECT t.challenge_id, t.agent_id, t.operator_id, t.jti, t.keep_until, t.actor, t.request_id, t.trace_id, t.audit_id, t.place,
    ${parts.thumbprint} AS thumbprint, s.kid, t.alg <> '' AS is_token, t.challenge_key_id <> '' AND c.id IS NULL AS void,
    to_timestamp(t.challenge_exp) <= greatest(clock_timestamp(), (SELECT clock_reached FROM deployment)) AS expired,
    CASE WHEN t.timeline = (SELECT wal_timeline()) AND ${parts.isCurrent} AND ${ARE_OWNERS_CURRENT} THEN a.epoch
    END AS agent_epoch, ${parts.isExpired} AS key_expired,
    greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS operator_epoch${parts.columns}
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::int[], $6::uuid[], $7::int[], $8::text[],
    $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::uuid[], $15::text[], $16::int[], $17::text[]${parameters})
    WITH ORDINALITY
  AS t (challenge_id, challenge_exp, challenge_key_id, agent_id, agent_version, operator_id, operator_version, public_key,
    jti, keep_until, alg, actor, request_id, audit_id, owners, timeline, trace_id${names}, place)
  LEFT JOIN LATERAL (SELECT id, version, status, epoch FROM operators WHERE id = t.operator_id OFFSET 0) o
    ON o.version = t.operator_version AND o.status = 'active'
  LEFT JOIN LATERAL (SELECT id, version, status, epoch, operator_id FROM agents WHERE id = t.agent_id OFFSET 0) a
    ON a.version = t.agent_version AND a.status = 'active' AND a.operator_id = o.id
  LEFT JOIN LATERAL (
    SELECT public_key, thumbprint FROM agent_keys WHERE agent_id = a.id AND retired_at IS NULL OFFSET 0
  ) k ON k.public_key = decode(t.public_key, 'hex')
  LEFT JOIN LATERAL (SELECT id FROM challenge_keys WHERE id = t.challenge_key_id OFFSET 0) c ON true
  LEFT JOIN LATERAL (
    SELECT kid FROM jwks_keys WHERE purpose = ${parts.purpose} AND alg = t.alg AND state = 'active' OFFSET 0
  ) s ON true${parts.join}
), redeemable AS (
  SELECT * FROM judged
  WHERE agent_epoch IS NOT NULL AND (kid IS NOT NULL OR NOT is_token) AND NOT void AND NOT expired ${parts.redeemable}
    ${parts.used}
), redeemed AS (
  INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until)
  SELECT challenge_id, jti, agent_id, thumbprint, to_timestamp(keep_until) FROM redeemable
  WHERE ${parts.redeemed}
  ORDER BY challenge_id
  ON CONFLICT (challenge_id) DO NOTHING
  RETURNING jti
), audited AS (
  INSERT INTO audit_logs (actor, subject, outcome, request_id, trace_id, ${parts.audit.columns})
  SELECT actor, jti, 'done', request_id, trace_id, ${parts.audit.values}
  FROM judged JOIN redeemed USING (jti)${parts.audit.rows}
  WHERE is_token
)
SELECT (SELECT wal_timeline()) AS timeline, agent_epoch, operator_epoch,
  coalesce(kid, CASE WHEN NOT is_token THEN '' END) AS kid, key_expired, expired, void,
  jti IN (SELECT jti FROM redeemed) AS redeemed, ${parts.replayed} AS replayed,
  ${parts.grantUsed} AS grant_used, ${parts.grantExpired} AS grant_expired, ${IS_REPLICATED} AS is_replicated
FROM judged ORDER BY place`
}

/**
 * Redeems a batch of challenges in one statement, so in one snapshot and one commit. For each challenge it checks
 * expiry, statuses, key, versions with their timeline, and owners of audiences, inserts the redemption and writes the
 * audit. It locks no row: the epochs make locks unnecessary, and with locks, issuing could delay suspensions. It
 * inserts the challenges in sorted order, so statements cannot deadlock.
 *
 * A challenge that expired before clock_reached stays expired when the clock is set back, because its redemption may
 * have been removed already.
 *
 * OFFSET 0 prevents the planner from merging the subqueries, so PostgreSQL looks up each row by its key. The planner
 * plans this statement once per connection, perhaps while the tables are empty. A merged plan could then read all
 * agents for every challenge, until the connection ends.
 */
export const REDEEM = statement(NONE)

/**
 * Redeems a batch as REDEEM does, also with DPoP proofs, added keys, grants and exchanges. It inserts the proofs and
 * the grants in sorted order too. Of several redemptions in the batch with the same proof or grant, only the first may
 * succeed. A challenge that was redeemed before inserts no proof, because otherwise everybody who has seen a redeemed
 * challenge could fill the table. Added keys must not have expired by the database's clock.
 *
 * It is a second statement because most redemptions need none of these parts, and the parts make REDEEM a fifth to a
 * third slower. A statement for each combination of parts would be at most a tenth faster than this one.
 */
export const REDEEM_WITH_PARTS = statement(ALL)
