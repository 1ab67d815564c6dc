import type pg from 'pg'
import type { IdentityProvider, PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { type UserKey, writeSignedOut } from './users.ts'

/** A refresh token of an identity provider, sealed. */
export interface SealedToken {
  readonly wrapped: Uint8Array<ArrayBuffer>
  /** Id of the refresh key of the deployment that seals it. */
  readonly keyId: string
}

/** A question to the provider of a user, which nobody else asks meanwhile. */
export interface Claim {
  /** When it began, as the database writes it. */
  readonly askedAt: string
  readonly providerId: string
  /** Who the user is at the provider. */
  readonly sub: string
  /** Undefined if the user has none. */
  readonly token: SealedToken | undefined
}

/** A question that has been answered. */
export interface Answered {
  readonly key: UserKey
  readonly claim: Claim
  readonly provider: Pick<IdentityProvider, 'id' | 'name'>
  /** The request for which the question was asked. */
  readonly requestId: string
}

/**
 * Whether the provider must be asked before the user may get a token, as SQL over the user `u` and the provider `p`.
 * A time that is to come does not count: the clock of the database may have been set back.
 */
export const IS_CHECK_DUE = `(p.signals = 'refresh' AND (u.checked_at IS NULL
  OR u.checked_at NOT BETWEEN clock_timestamp() - interval '15 minutes' AND clock_timestamp()))`

/** A question is over after all time limits of its requests. The lease of a process that has crashed ends then. */
const LEASE = `interval '30 seconds'`
/** How old a question without an answer is made, so that nobody asks for the last 5 seconds of its lease. */
const PAUSED = `interval '25 seconds'`
/** A younger question may still get its answer. */
const PATIENCE = `interval '20 seconds'`
const isYounger = (age: string) => `u.asked_at BETWEEN clock_timestamp() - ${age} AND clock_timestamp()`

const OF_USER = `p.id = u.provider_id AND p.operator_id = u.operator_id AND p.edge_id = u.provider_edge
  AND u.operator_id = $1 AND u.subject = $2 AND u.status = 'active' AND ${IS_CHECK_DUE}`
const CLAIM = `UPDATE users u SET asked_at = clock_timestamp() FROM identity_providers p
  WHERE ${OF_USER} AND (${isYounger(LEASE)}) IS NOT TRUE
  RETURNING u.asked_at::text AS "askedAt", p.id::text AS "providerId", u.sub, u.provider_token AS wrapped,
    u.provider_token_key AS "keyId"`
const STATE = `SELECT CASE WHEN ${isYounger(PATIENCE)} THEN 'busy' WHEN ${isYounger(LEASE)} THEN 'paused' END AS state
  FROM users u, identity_providers p WHERE ${OF_USER}`

/**
 * Why nobody may ask about a user now. `busy`: a process asks. `paused`: the provider has just not answered. Undefined
 * if neither is true.
 */
export type CheckState = 'busy' | 'paused' | undefined

/** Claims the question whether the provider still vouches for a user, if somebody must ask and nobody does. */
export async function claimCheck(pool: pg.Pool, { operatorId, subject }: UserKey): Promise<Claim | undefined> {
  const claimed = await pool.query<Omit<Claim, 'token'> & Columns>(CLAIM, [operatorId, subject])
  const [row] = claimed.rows
  if (row === undefined) return undefined
  const { wrapped, keyId, ...claim } = row
  return { ...claim, token: wrapped === null || keyId === null ? undefined : { wrapped, keyId } }
}

interface Columns {
  readonly wrapped: Uint8Array<ArrayBuffer> | null
  readonly keyId: string | null
}

/** Reads whether somebody asks about a user. */
export async function readCheck(pool: pg.Pool, { operatorId, subject }: UserKey): Promise<CheckState> {
  const { rows } = await pool.query<{ state: CheckState | null }>(STATE, [operatorId, subject])
  return rows[0]?.state ?? undefined
}

/** Lets somebody ask again after 5 seconds, because the provider has not answered. */
export async function pauseCheck(pool: pg.Pool, { operatorId, subject }: UserKey, { askedAt }: Claim): Promise<void> {
  await pool.query(
    `UPDATE users SET asked_at = clock_timestamp() - ${PAUSED}
     WHERE operator_id = $1 AND subject = $2 AND asked_at = $3::timestamptz`,
    [operatorId, subject, askedAt],
  )
}

/** Stores that the provider still vouches for a user, and the next token for it if the provider has sent one. */
export async function writeVouched(
  prisma: PrismaClient,
  answered: Answered,
  next: SealedToken | undefined,
): Promise<void> {
  await writeAnswer(prisma, answered, 'vouched again', async (tx, { operatorId, subject }) => {
    await tx.$executeRaw`
      UPDATE users SET checked_at = asked_at, asked_at = NULL,
        provider_token = coalesce(${next?.wrapped ?? null}::bytea, provider_token),
        provider_token_key = coalesce(${next?.keyId ?? null}, provider_token_key)
      WHERE operator_id = ${operatorId}::uuid AND subject = ${subject}`
  })
}

/**
 * Signs a user out for whom the provider does not vouch any more: sessions, connections and tokens end.
 *
 * @returns false if the user has signed in meanwhile, and so is not signed out
 */
export function writeRefused(prisma: PrismaClient, answered: Answered, why: string): Promise<boolean> {
  return writeAnswer(prisma, answered, why, writeSignedOut)
}

/**
 * Writes what an answer says, if nothing has happened since it was asked for: a sign-in brings another token, and a
 * user who has ended has none. The author is the provider and no call, because the answer must be stored also after
 * all callers have left.
 */
function writeAnswer(
  prisma: PrismaClient,
  { key, claim, provider, requestId }: Answered,
  what: string,
  write: (tx: Tx, key: UserKey) => Promise<void>,
): Promise<boolean> {
  const { operatorId, subject } = key
  const author: Author = { requestId, principal: { kind: 'provider', id: provider.id } }
  return change(prisma, author, async (tx, audit) => {
    const rows = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM users WHERE operator_id = ${operatorId}::uuid AND subject = ${subject}
        AND asked_at = ${claim.askedAt}::timestamptz FOR NO KEY UPDATE`
    if (rows.length === 0) return false
    await write(tx, key)
    await audit({ action: 'user.signal', subject, operatorId, reason: `${what}; provider ${provider.name}` })
    return true
  })
}
