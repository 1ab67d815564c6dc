import type { TokenAlgorithm } from '../shared/crypto/token-algorithms.ts'
import type { Db } from '../shared/db/db.ts'
import { auditId } from '../shared/ledger/ledger.ts'

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
  readonly keyThumbprint: string
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
 * One statement, so one snapshot and one commit: it checks expiry, status, key and versions, uses the challenge up and writes
 * the audit. No row is locked: epochs make that needless, and locking would let issuing hold suspensions up.
 */
const REDEEM = `
WITH standing AS MATERIALIZED (
  SELECT a.epoch AS agent_epoch, greatest(o.epoch, (SELECT first_epoch FROM deployment)) AS operator_epoch
  FROM agents a
  JOIN operators o ON o.id = a.operator_id
  JOIN agent_keys k ON k.agent_id = a.id AND k.public_key = $6 AND k.retired_at IS NULL
  WHERE a.id = $2::uuid AND a.version = $3 AND a.status = 'active'
    AND o.id = $4::uuid AND o.version = $5 AND o.status = 'active'
), sealed AS MATERIALIZED (
  SELECT 1 FROM challenge_keys WHERE id = $14
), signing AS MATERIALIZED (
  SELECT kid FROM jwks_keys WHERE purpose = 'access_token' AND alg = $15 AND state = 'active'
), redeemed AS (
  INSERT INTO redemptions (challenge_id, jti, agent_id, key_thumbprint, keep_until)
  SELECT $1::uuid, $7, $2::uuid, $8, to_timestamp($10) FROM standing, sealed, signing WHERE clock_timestamp() < to_timestamp($9)
  ON CONFLICT (challenge_id) DO NOTHING
  RETURNING 1
), audited AS (
  INSERT INTO audit_logs (id, operator_id, actor, action, subject, outcome, request_id)
  SELECT $11::uuid, $4::uuid, $12, 'token.issue', $7, 'done', $13 FROM redeemed
)
SELECT s.agent_epoch, s.operator_epoch, EXISTS (SELECT 1 FROM redeemed) AS redeemed, (SELECT kid FROM signing) AS kid,
  clock_timestamp() >= to_timestamp($9) AS expired, NOT EXISTS (SELECT 1 FROM sealed) AS void
FROM (SELECT 1) AS one LEFT JOIN standing s ON true`

interface RedeemRow {
  readonly agent_epoch: number | null
  readonly operator_epoch: number | null
  readonly redeemed: boolean
  readonly kid: string | null
  readonly expired: boolean
  readonly void: boolean
}

/** Redeems a challenge at most once, whatever the number of instances, retries and crashes. */
export async function redeem(db: Db, input: RedeemInput): Promise<RedeemOutcome> {
  const { rows } = await db.pool.query<RedeemRow>({
    name: 'redeem',
    text: REDEEM,
    values: [
      input.challengeId,
      input.agentId,
      input.agentVersion,
      input.operatorId,
      input.operatorVersion,
      input.publicKey,
      input.jti,
      input.keyThumbprint,
      input.challengeExp,
      input.keepUntil,
      auditId(),
      input.actor,
      input.requestId,
      input.challengeKeyId,
      input.alg,
    ],
  })
  const row = rows[0]
  if (row === undefined) return { kind: 'stale' }
  const { agent_epoch, operator_epoch, kid } = row
  if (row.redeemed && agent_epoch !== null && operator_epoch !== null && kid !== null) {
    return { kind: 'redeemed', epoch: [agent_epoch, operator_epoch], kid }
  }
  if (row.expired) return { kind: 'expired' }
  if (row.void) return { kind: 'void' }
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
