import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type pg from 'pg'
import { auditId } from '../ledger/ledger.ts'
import type { Db } from '../platform/db/db.ts'

/** What redeems a challenge: the row that makes it single-use, and the versions on which the decision was made. */
export interface RedeemInput {
  /** The challenge's nonce as a UUID. */
  readonly challengeId: string
  /** When the challenge expires, Unix seconds; judged by the database's clock. */
  readonly challengeExp: number
  /** The key that sealed it; one that is gone voids its challenges. */
  readonly challengeKeyId: string
  readonly agentId: string
  readonly agentVersion: number
  readonly operatorId: string
  readonly operatorVersion: number
  readonly publicKey: Uint8Array
  readonly jti: string
  /** When the row may go, Unix seconds. */
  readonly keepUntil: number
  /** The algorithm that is to sign. */
  readonly alg: TokenAlgorithm
  readonly actor: string
  readonly requestId: string
}

/**
 * How a redemption ended. `stale`: agent, key or operator are not what the decision was made on; `keyless`: no key of the
 * algorithm signs now. Epochs and kid are those that stood when the challenge was used up: a token that overlaps a suspension
 * is born refused, and none is signed by a key that had ceased to sign before it was asked for.
 */
export type RedeemOutcome =
  | { readonly kind: 'redeemed'; readonly epoch: readonly [agent: number, operator: number]; readonly kid: string }
  | { readonly kind: 'used' | 'expired' | 'void' | 'keyless' | 'stale' }

/**
 * One statement, so one snapshot and one commit for all that it redeems: of each it checks expiry, status, key and versions, uses
 * the challenge up and writes the audit. No row is locked: epochs make that needless, and locking would let issuing hold
 * suspensions up. Challenges are inserted in their order, so two statements cannot wait for each other.
 *
 * What had expired once, by clock_reached, stays expired by a clock that is set back: the row that says it was used may be gone.
 *
 * Rows are looked up one by one behind OFFSET 0, which the planner may not look through: it plans once, perhaps over tables that are
 * still empty, and would read all agents for every challenge then, for as long as the connection lasts.
 */
const REDEEM = `
WITH judged AS MATERIALIZED (
  SELECT t.challenge_id, t.agent_id, t.operator_id, t.jti, t.keep_until, t.actor, t.request_id, t.audit_id, t.place,
    k.thumbprint, s.kid, c.id IS NULL AS void, 
    to_timestamp(t.challenge_exp) <= greatest(clock_timestamp(), (SELECT clock_reached FROM deployment)) AS expired,
    CASE WHEN k.thumbprint IS NOT NULL THEN a.epoch END AS agent_epoch,
    greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS operator_epoch
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::int[], $6::uuid[], $7::int[], $8::text[],
    $9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::uuid[]) WITH ORDINALITY
  AS t (challenge_id, challenge_exp, challenge_key_id, agent_id, agent_version, operator_id, operator_version, public_key,
    jti, keep_until, alg, actor, request_id, audit_id, place)
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
), redeemed AS (
  INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until)
  SELECT challenge_id, jti, agent_id, thumbprint, to_timestamp(keep_until) FROM judged
  WHERE agent_epoch IS NOT NULL AND kid IS NOT NULL AND NOT void AND NOT expired
  ORDER BY challenge_id
  ON CONFLICT (challenge_id) DO NOTHING
  RETURNING jti
), audited AS (
  INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, request_id)
  SELECT audit_id, operator_id, actor, 'token.issue', jti, 'done', request_id FROM judged JOIN redeemed USING (jti)
)
SELECT agent_epoch, operator_epoch, kid, expired, void, jti IN (SELECT jti FROM redeemed) AS redeemed
FROM judged ORDER BY place`

interface RedeemRow {
  readonly agent_epoch: number | null
  readonly operator_epoch: number | null
  readonly kid: string | null
  readonly expired: boolean
  readonly void: boolean
  readonly redeemed: boolean
}

/** What the statement takes, in the order of its parameters. */
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
]

/**
 * Redeems challenges, each at most once, whatever the number of instances, retries and crashes; answers the outcomes in the order of
 * the inputs, whose jtis differ. What it throws says nothing of any of them.
 */
export async function redeem(pool: pg.Pool, inputs: readonly RedeemInput[]): Promise<RedeemOutcome[]> {
  const { rows } = await pool.query<RedeemRow>({
    name: 'redeem',
    text: REDEEM,
    values: PARAMETERS.map((parameter) => toArray(inputs.map(parameter))),
  })
  return rows.map(outcomeOf)
}

/** The text of an array, as PostgreSQL reads it. */
function toArray(values: readonly (string | number)[]): string {
  return `{${values.map(quote).join(',')}}`
}

function quote(value: string | number): string {
  const text = String(value)
  return `"${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, '\\$&') : text}"`
}

function outcomeOf({ agent_epoch, operator_epoch, kid, expired, void: isVoid, redeemed }: RedeemRow): RedeemOutcome {
  if (redeemed && agent_epoch !== null && operator_epoch !== null && kid !== null) {
    return { kind: 'redeemed', epoch: [agent_epoch, operator_epoch], kid }
  }
  if (expired) return { kind: 'expired' }
  if (isVoid) return { kind: 'void' }
  if (agent_epoch === null) return { kind: 'stale' }
  return { kind: kid === null ? 'keyless' : 'used' }
}

/** Whether a moment, in Unix seconds, has passed by the database's clock. */
export async function hasPassed(db: Db, unixSeconds: number): Promise<boolean> {
  const { rows } = await db.pool.query<{ passed: boolean }>('SELECT clock_timestamp() >= to_timestamp($1) AS passed', [
    unixSeconds,
  ])
  return rows[0]?.passed ?? true
}
