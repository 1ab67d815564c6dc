import type pg from 'pg'
import { createGroupCommit } from '../platform/db/group-commit.ts'
import type { SessionSettings } from '../platform/db/session.ts'
import { type RedeemInput, type RedeemOutcome, redeem } from './store.ts'
import type { Timeline } from './timeline.ts'

/** Redeems one challenge. */
export type Redeemer = (input: RedeemInput) => Promise<RedeemOutcome>

const MAX_BATCH = 128
/** Maximum number of statements at the same time, and so the number of connections that redeeming needs. */
export const MAX_STATEMENTS = 4

/**
 * Settings of the database sessions that redeem. With them, PostgreSQL plans the redeeming statement once per
 * connection, and the plan does not depend on the number of rows or on statistics. The reason: planning costs more
 * than running, and statistics are outdated after thousands of agents were registered.
 */
export const REDEEM_SESSION: SessionSettings = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' }

/** Creates the redeemer. It sends redemptions that wait together as one statement. */
export function createRedeemer(pool: pg.Pool, timeline: Timeline): Redeemer {
  return createGroupCommit<RedeemInput, RedeemOutcome>({
    send: (inputs) => redeem(pool, timeline, inputs),
    maxBatch: MAX_BATCH,
    maxStatements: MAX_STATEMENTS,
  })
}
