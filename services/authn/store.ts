import type { TokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import type pg from 'pg'
import type { AuditAction } from '../ledger/audit-action.ts'
import { auditId } from '../ledger/ledger.ts'
import type { Db } from '../platform/db/db.ts'
import { type Cause, tracedBatch } from '../platform/trace/span.ts'
import type { SeenOwner } from './known-owners.ts'
import { REDEEM, REDEEM_WITH_PARTS } from './redeem-statement.ts'
import type { Timeline } from './timeline.ts'

/** A redemption: the row that makes the challenge single-use, and the versions from which the decision was made. */
export interface RedeemInput extends Cause {
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
  /** The timeline of the database before anything was read from which the decision was made. */
  readonly timeline: number
  /** The owners of audiences from which the decision was made. */
  readonly owners: readonly SeenOwner[]
  readonly publicKey: Uint8Array
  /** Thumbprint of the added key that has signed. Empty if the identity key has signed. */
  readonly addedKid: string
  readonly jti: string
  /** When the row may be removed, in Unix seconds. */
  readonly keepUntil: number
  /** Signing algorithm of the token or grant. Empty if the redemption issues neither. */
  readonly alg: TokenAlgorithm | ''
  /** The purpose of the key that signs. */
  readonly purpose: 'access_token' | 'grant'
  readonly actor: string
  /**
   * What the records of an exchange in the audit say. Undefined for any other redemption, which has one record in
   * the audit of the agent's operator.
   */
  readonly exchange: ExchangeRecord | undefined
  /** The grant of another issuer that is used with the redemption. It needs `exchange`. */
  readonly grant?: UsedGrant | undefined
  /** Id of the DPoP proof, which is redeemed too. Empty without a proof. */
  readonly dpopId: string
  /** When no process accepts the DPoP proof any more, in Unix seconds. */
  readonly dpopKeepUntil: number
}

/** A grant of another issuer that may be used once. */
export interface UsedGrant {
  readonly issuer: string
  readonly jti: string
  /** When it expires by the database's clock, in Unix seconds. The clock skew is already added. */
  readonly exp: number
}

/** What the audit says about an exchange, and the operators in whose audit it says so: at least one, each once. */
export interface ExchangeRecord {
  readonly operatorIds: readonly string[]
  readonly reason: string
}

/**
 * Result of a redemption.
 *
 * - `redeemed`: the epochs and the kid are those at the moment of the redemption. So when a suspension happens at the
 *   same time, the token has an old epoch and is never valid. And no key signs a token or grant that was requested
 *   after the key stopped signing.
 * - `used`: the challenge has been redeemed before.
 * - `expired`: the challenge has expired.
 * - `void`: the key that sealed the challenge is no longer in the database.
 * - `keyless`: no key of the purpose and algorithm is active.
 * - `replayed`: the DPoP proof has been used before.
 * - `grant-used`, `grant-expired`: the grant of another issuer has been used before, or has expired.
 * - `key-expired`: the added key has expired.
 * - `stale`: the agent, its key, its operator or the owner of an audience has changed since the decision,
 *   or the database has a new timeline, so that versions prove nothing.
 */
export type RedeemOutcome =
  | {
      readonly kind: 'redeemed'
      readonly epoch: readonly [agent: number, operator: number]
      readonly kid: string
      /** Whether the commit waited for a standby. */
      readonly isReplicated: boolean
    }
  | { readonly kind: 'used' | 'expired' | 'void' | 'keyless' | 'replayed' | 'key-expired' | 'stale' }
  | { readonly kind: 'grant-used' | 'grant-expired' }

interface RedeemRow {
  readonly timeline: number
  readonly agent_epoch: number | null
  readonly operator_epoch: number | null
  readonly kid: string | null
  readonly key_expired: boolean
  readonly expired: boolean
  readonly void: boolean
  readonly redeemed: boolean
  readonly replayed: boolean
  readonly grant_used: boolean
  readonly grant_expired: boolean
  readonly is_replicated: boolean
}

type Parameter = (input: RedeemInput) => string | number

/** Values of the parameters of REDEEM, in their order. */
const PARAMETERS: readonly Parameter[] = [
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
  ({ owners }) => (owners.length === 0 ? '' : JSON.stringify(owners)),
  ({ timeline }) => timeline,
  ({ span }) => span?.traceId ?? '',
]
/** Values of the parameters of REDEEM_WITH_PARTS, in their order. */
const PARAMETERS_WITH_PARTS: readonly Parameter[] = [
  ...PARAMETERS,
  ({ dpopId }) => dpopId,
  ({ dpopKeepUntil }) => dpopKeepUntil,
  ({ addedKid }) => addedKid,
  ({ purpose }) => purpose,
  (input) => actionOf(input),
  ({ exchange }) => exchange?.reason ?? '',
  ({ exchange, operatorId }) =>
    JSON.stringify((exchange?.operatorIds ?? [operatorId]).map((operator) => [auditId(), operator])),
  ({ grant }) => grant?.issuer ?? '',
  ({ grant }) => grant?.jti ?? '',
  ({ grant }) => grant?.exp ?? 0,
]

function actionOf({ purpose, exchange, grant }: RedeemInput): AuditAction {
  if (grant !== undefined) return 'token.for-user'
  if (exchange !== undefined) return 'token.exchange'
  return purpose === 'grant' ? 'grant.issue' : 'token.issue'
}

const PLAIN = { name: 'redeem', text: REDEEM, parameters: PARAMETERS }
const WITH_PARTS = { name: 'redeem-with-parts', text: REDEEM_WITH_PARTS, parameters: PARAMETERS_WITH_PARTS }

/** One redemption of a batch that needs a part is enough for the statement with all parts. */
function statementFor(inputs: readonly RedeemInput[]) {
  const needsParts = ({ purpose, exchange, addedKid, dpopId }: RedeemInput) =>
    purpose === 'grant' || exchange !== undefined || addedKid !== '' || dpopId !== ''
  return inputs.some(needsParts) ? WITH_PARTS : PLAIN
}

/**
 * Redeems challenges, each at most once across all processes, retries and crashes. The inputs must have different
 * jtis. When this function throws, each challenge may or may not have been redeemed.
 *
 * @param timeline receives the timeline of the database
 * @returns the outcomes, in the order of the inputs.
 */
export async function redeem(
  pool: pg.Pool,
  timeline: Timeline,
  inputs: readonly RedeemInput[],
): Promise<RedeemOutcome[]> {
  const { name, text, parameters } = statementFor(inputs)
  const values = parameters.map((parameter) => toArray(inputs.map(parameter)))
  const query = () => pool.query<RedeemRow>({ name, text, values })
  const size = { 'db.system.name': 'postgresql', 'db.operation.batch.size': inputs.length }
  const { rows } = await tracedBatch(inputs, 'redeem', query, size)
  timeline.current = rows[0]?.timeline ?? timeline.current
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
  key_expired: isKeyExpired,
  expired,
  void: isVoid,
  redeemed,
  replayed,
  grant_used: isGrantUsed,
  grant_expired: isGrantExpired,
  is_replicated: isReplicated,
}: RedeemRow): RedeemOutcome {
  if (redeemed && agent_epoch !== null && operator_epoch !== null && kid !== null) {
    return { kind: 'redeemed', epoch: [agent_epoch, operator_epoch], kid, isReplicated }
  }
  if (expired) return { kind: 'expired' }
  if (isVoid) return { kind: 'void' }
  if (isKeyExpired) return { kind: 'key-expired' }
  if (agent_epoch === null) return { kind: 'stale' }
  if (kid === null) return { kind: 'keyless' }
  if (isGrantExpired) return { kind: 'grant-expired' }
  if (isGrantUsed) return { kind: 'grant-used' }
  return { kind: replayed ? 'replayed' : 'used' }
}

/** Returns whether a time in Unix seconds has passed by the database's clock. */
export async function hasPassed(db: Db, unixSeconds: number): Promise<boolean> {
  const { rows } = await db.pool.query<{ passed: boolean }>('SELECT clock_timestamp() >= to_timestamp($1) AS passed', [
    unixSeconds,
  ])
  return rows[0]?.passed ?? true
}
