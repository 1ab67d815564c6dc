import type pg from 'pg'
import type { Tx } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Actor } from './principal.ts'
import type { SignedRequestRow } from './signed-request.ts'

/** How much the changes of one operator may store in a day. */
export interface StorageBound {
  readonly bytesPerDay: number
  readonly claim: StorageClaim
}

/** The author of a change, as far as what it stores is bounded. */
interface StoringAuthor {
  readonly principal: Actor
  readonly storage?: StorageBound
}

/**
 * What a call may claim when its operator has stored much. `always`: the call is done in any case, because it takes
 * authority away or frees room. `reserve`: it may use the reserve, because it can end tokens.
 */
export type StorageClaim = 'usual' | 'reserve' | 'always'

/**
 * What an audit record costs with its indexes, in bytes. A change costs this for each record, and what its request
 * needs: once where the request is kept, and once where its content is.
 */
const RECORD_COST = 1_024

/** How many times the bound of a day are there with the reserve. */
export const WITH_RESERVE = 2

/** Returns what a change is counted as, in bytes. */
export function costOf(request: Pick<SignedRequestRow, 'signatures' | 'body'> | undefined, records: number): number {
  const signatures = request?.signatures.reduce((sum, { length }) => sum + length, 0) ?? 0
  return records * RECORD_COST + signatures + 2 * (request?.body?.length ?? 0)
}

/** Returns the days from 1970-01-01 UTC to a time, as SQL. */
const dayOf = (time: string): string => `floor(extract(epoch FROM ${time}) / 86400)::int`
/** Days since 1970-01-01 UTC, and the seconds until the day ends, by the database's clock. */
export const TODAY = dayOf('clock_timestamp()')
export const SECONDS_LEFT = `(86400 - mod(floor(extract(epoch FROM clock_timestamp())), 86400))::int`

/**
 * Returns the part of a statement that adds to the bytes of an operator's day, and returns their sum as `amount`.
 * `select` selects the operator and the bytes.
 */
export const addToDay = (select: string): string => `
INSERT INTO operator_totals AS t (operator_id, what, day, amount)
SELECT operator_id, 'bytes', ${TODAY}, bytes FROM (${select}) AS added
ON CONFLICT (operator_id, what, day) DO UPDATE SET amount = t.amount + excluded.amount
RETURNING amount::float8 AS amount`

/** The same with the seconds until the day ends. */
const CHARGE = `${addToDay('SELECT $1::uuid AS operator_id, $2::bigint AS bytes')},
  ${SECONDS_LEFT} AS rest`

/**
 * Counts what a change of an operator stores. A change that would exceed the bound is refused. A reserve of the same
 * size again is there for root keys and for calls that can end tokens, so that other calls cannot use it up. Beyond
 * the reserve, a call that is always done stores only its records in the audit, and its request is not kept.
 *
 * @returns whether the signed request may be kept
 * @throws ApiError RATE_LIMITED
 */
export async function chargeChange(
  tx: Tx,
  { principal, storage }: StoringAuthor,
  request: SignedRequestRow | undefined,
  records: number,
): Promise<boolean> {
  if (storage === undefined || !('operatorId' in principal)) return true
  const { bytesPerDay, claim } = storage
  const rows = await tx.$queryRawUnsafe<{ amount: number; rest: number }[]>(
    CHARGE,
    principal.operatorId,
    costOf(request, records),
  )
  const { amount = 0, rest = 1 } = rows[0] ?? {}
  const hasReserve = claim !== 'usual' || (principal.kind === 'operator' && principal.root !== undefined)
  if (amount <= bytesPerDay * (hasReserve ? WITH_RESERVE : 1)) return true
  if (claim === 'always') return false
  const detail = `The changes of an operator may store ${bytesPerDay / MIB} MiB a day (UTC)`
  throw new ApiError('RATE_LIMITED', detail, { retryAfter: rest })
}

/** Bytes of a mebibyte. */
export const MIB = 1_048_576

/** Removes the sums of days that are over. */
export async function pruneTotals(pool: pg.Pool): Promise<void> {
  // clock_timestamp() may change within a statement, so PostgreSQL would compare it with each row.
  await pool.query(`DELETE FROM operator_totals WHERE day > 0 AND day < ${dayOf('now()')} - 1`)
}
