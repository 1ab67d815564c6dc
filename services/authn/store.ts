import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type pg from 'pg'
import { auditId, KEEP_BEYOND_EXPIRY_S } from '../ledger/ledger.ts'
import type { Db } from '../platform/db/db.ts'

/** A redemption: the row that makes the challenge single-use, and the versions from which the decision was made. */
export interface RedeemInput {
  /** The challenge's nonce as a UUID, or the id of a client assertion. */
  readonly challengeId: string
  /** When challenge or assertion expire by the database's clock, in Unix seconds. */
  readonly challengeExp: number
  /**
   * Id of the key that sealed the challenge. When this key is not in the database, the challenge is void. Empty for an
   * assertion.
   */
  readonly challengeKeyId: string
  readonly agentId: string
  readonly agentVersion: number
  readonly operatorId: string
  readonly operatorVersion: number
  readonly publicKey: Uint8Array
  readonly jti: string
  /** When the row may be removed, in Unix seconds. */
  readonly keepUntil: number
  /** Signing algorithm of the token. Empty if the redemption issues no token. */
  readonly alg: TokenAlgorithm | ''
  readonly actor: string
  readonly requestId: string
  /** Id of the DPoP proof, which is redeemed too. Empty without a proof. */
  readonly dpopId: string
  /** When no process accepts the DPoP proof any more, in Unix seconds. */
  readonly dpopKeepUntil: number
}

/**
 * Result of a redemption.
 *
 * - `redeemed`: the epochs and the kid are those at the moment of the redemption. So when a suspension happens at the
 *   same time, the token has an old epoch and is never valid. And no key signs a token that was requested after the
 *   key stopped signing.
 * - `used`: the challenge has been redeemed before.
 * - `expired`: the challenge has expired.
 * - `void`: the key that sealed the challenge is no longer in the database.
 * - `keyless`: no key of the algorithm is active.
 * - `replayed`: the DPoP proof has been used before.
 * - `stale`: the agent, its key or its operator has changed since the decision.
 */
export type RedeemOutcome =
  | { readonly kind: 'redeemed'; readonly epoch: readonly [agent: number, operator: number]; readonly kid: string }
  | { readonly kind: 'used' | 'expired' | 'void' | 'keyless' | 'replayed' | 'stale' }

/** `issuer` of the rows of DPoP proofs. No operator id has this text. */
const DPOP_ISSUER = 'dpop'

/**
 * Redeems a batch of challenges in one statement, so in one snapshot and one commit. For each challenge it checks
 * expiry, statuses, key and versions, inserts the redemption and writes the audit. It locks no row: the epochs make
 * locks unnecessary, and with locks, issuing could delay suspensions. It inserts the challenges in sorted order, so
 * statements cannot deadlock.
 *
 * A redemption with a DPoP proof also inserts the proof, in sorted order too. Of several redemptions in the batch with
 * the same proof, only the first may succeed. A challenge that was redeemed before inserts no proof, because otherwise
 * everybody who has seen a redeemed challenge could fill the table.
 *
 * A challenge that expired before clock_reached stays expired when the clock is set back, because its redemption may
 * have been removed already.
 *
 * OFFSET 0 prevents the planner from merging the subqueries, so PostgreSQL looks up each row by its key. The planner
 * plans this statement once per connection, perhaps while the tables are empty. A merged plan could then read all
 * agents for every challenge, until the connection ends.
 */
const REDEEM = `
WITH judged AS MATERIALIZED (
  SELECT t.challenge_id, t.agent_id, t.operator_id, t.jti, t.keep_until, t.actor, t.request_id, t.audit_id, t.place,
    t.dpop_id, t.dpop_keep_until, t.place = min(t.place) OVER (PARTITION BY t.dpop_id) AS is_first,
    r.challenge_id IS NOT NULL AS is_used, k.thumbprint, s.kid, t.alg <> '' AS is_token, t.challenge_key_id <> '' AND c.id IS NULL AS void,
    to_timestamp(t.challenge_exp) <= greatest(clock_timestamp(), (SELECT clock_reached FROM deployment)) AS expired,
    CASE WHEN k.thumbprint IS NOT NULL THEN a.epoch END AS agent_epoch,
    greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS operator_epoch
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::int[], $6::uuid[], $7::int[], $8::text[],
    $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::uuid[], $15::text[], $16::bigint[])
    WITH ORDINALITY
  AS t (challenge_id, challenge_exp, challenge_key_id, agent_id, agent_version, operator_id, operator_version, public_key,
    jti, keep_until, alg, actor, request_id, audit_id, dpop_id, dpop_keep_until, place)
  LEFT JOIN LATERAL (SELECT id, version, status, epoch FROM operators WHERE id = t.operator_id OFFSET 0) o
    ON o.version = t.operator_version AND o.status = 'active'
  LEFT JOIN LATERAL (SELECT id, version, status, epoch, operator_id FROM agents WHERE id = t.agent_id OFFSET 0) a
    ON a.version = t.agent_version AND a.status = 'active' AND a.operator_id = o.id
  LEFT JOIN LATERAL (
    SELECT public_key, thumbprint FROM agent_keys WHERE agent_id = a.id AND retired_at IS NULL OFFSET 0
  ) k ON k.public_key = decode(t.public_key, 'hex')
  LEFT JOIN LATERAL (SELECT id FROM challenge_keys WHERE id = t.challenge_key_id OFFSET 0) c ON true
  LEFT JOIN LATERAL (
    SELECT kid FROM jwks_keys WHERE purpose = 'access_token' AND alg = t.alg AND state = 'active' OFFSET 0
  ) s ON true
  LEFT JOIN LATERAL (
    SELECT challenge_id FROM redemptions WHERE challenge_id = t.challenge_id AND t.dpop_id <> '' OFFSET 0
  ) r ON true
), redeemable AS MATERIALIZED (
  SELECT * FROM judged
  WHERE agent_epoch IS NOT NULL AND (kid IS NOT NULL OR NOT is_token) AND NOT void AND NOT expired
    AND NOT is_used
), proven AS (
  INSERT INTO used_assertions (issuer, jti, keep_until)
  SELECT '${DPOP_ISSUER}', dpop_id, to_timestamp(dpop_keep_until + ${KEEP_BEYOND_EXPIRY_S}) FROM redeemable
  WHERE dpop_id <> '' AND is_first
  ORDER BY dpop_id
  ON CONFLICT DO NOTHING
  RETURNING jti AS dpop_id
), redeemed AS (
  INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until)
  SELECT challenge_id, jti, agent_id, thumbprint, to_timestamp(keep_until) FROM redeemable
  WHERE dpop_id = '' OR (is_first AND dpop_id IN (SELECT dpop_id FROM proven))
  ORDER BY challenge_id
  ON CONFLICT (challenge_id) DO NOTHING
  RETURNING jti
), audited AS (
  INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, request_id)
  SELECT audit_id, operator_id, actor, 'token.issue', jti, 'done', request_id FROM judged JOIN redeemed USING (jti)
  WHERE is_token
)
SELECT agent_epoch, operator_epoch, coalesce(kid, CASE WHEN NOT is_token THEN '' END) AS kid, expired, void,
  jti IN (SELECT jti FROM redeemed) AS redeemed,
  dpop_id <> '' AND NOT is_used AND NOT (is_first AND dpop_id IN (SELECT dpop_id FROM proven)) AS replayed
FROM judged ORDER BY place`

interface RedeemRow {
  readonly agent_epoch: number | null
  readonly operator_epoch: number | null
  readonly kid: string | null
  readonly expired: boolean
  readonly void: boolean
  readonly redeemed: boolean
  readonly replayed: boolean
}

/** Values of the statement's parameters, in their order. */
const PARAMETERS: readonly ((input: RedeemInput) => string | number)[] = [
  ({ challengeId }) => challengeId,
  ({ challengeExp }) => challengeExp,
  ({ challengeKeyId }) => challengeKeyId,
  ({ agentId }) => agentId,
  ({ agentVersion }) => agentVersion,
  ({ operatorId }) => operatorId,
  ({ operatorVersion }) => operatorVersion,
  ({ publicKey }) => Buffer.from(publicKey).toString('hex'),
  ({ jti }) => jti,
  ({ keepUntil }) => keepUntil,
  ({ alg }) => alg,
  ({ actor }) => actor,
  ({ requestId }) => requestId,
  () => auditId(),
  ({ dpopId }) => dpopId,
  ({ dpopKeepUntil }) => dpopKeepUntil,
]

/**
 * Redeems challenges, each at most once across all processes, retries and crashes. The inputs must have different
 * jtis. When this function throws, each challenge may or may not have been redeemed.
 *
 * @returns the outcomes, in the order of the inputs.
 */
export async function redeem(pool: pg.Pool, inputs: readonly RedeemInput[]): Promise<RedeemOutcome[]> {
  const { rows } = await pool.query<RedeemRow>({
    name: 'redeem',
    text: REDEEM,
    values: PARAMETERS.map((parameter) => toArray(inputs.map(parameter))),
  })
  return rows.map(outcomeOf)
}

/** Formats an array as a PostgreSQL array literal. */
function toArray(values: readonly (string | number)[]): string {
  return `{${values.map(quote).join(',')}}`
}

function quote(value: string | number): string {
  const text = String(value)
  return `"${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, '\\$&') : text}"`
}

function outcomeOf({
  agent_epoch,
  operator_epoch,
  kid,
  expired,
  void: isVoid,
  redeemed,
  replayed,
}: RedeemRow): RedeemOutcome {
  if (redeemed && agent_epoch !== null && operator_epoch !== null && kid !== null) {
    return { kind: 'redeemed', epoch: [agent_epoch, operator_epoch], kid }
  }
  if (expired) return { kind: 'expired' }
  if (isVoid) return { kind: 'void' }
  if (agent_epoch === null) return { kind: 'stale' }
  if (kid === null) return { kind: 'keyless' }
  return { kind: replayed ? 'replayed' : 'used' }
}

/** Returns whether a time in Unix seconds has passed by the database's clock. */
export async function hasPassed(db: Db, unixSeconds: number): Promise<boolean> {
  const { rows } = await db.pool.query<{ passed: boolean }>('SELECT clock_timestamp() >= to_timestamp($1) AS passed', [
    unixSeconds,
  ])
  return rows[0]?.passed ?? true
}
