import { countRedeemed } from './contenders/database.ts'
import { countUsedAssertions, usedAssertionId } from './contenders/durable-peer.ts'
import { assertionClaimsOf } from './supply-oauth.ts'
import type { World } from './world.ts'

/**
 * Counts the rows that requests with these bodies have left in a database, by kind of row. Every answer must have left
 * one of each kind.
 */
export type CountRows = (
  databases: Pick<World, 'db' | 'durablePeer' | 'users'>,
  bodies: readonly string[],
) => Promise<readonly number[]>

/** Counts what requests redeem, by the database id of the challenge or the assertion in a body. */
export function redemptions(idOf: (body: string) => string): CountRows {
  return async ({ db }, bodies) => [(await countRedeemed(db, bodies.map(idOf))).redeemed]
}

/** Counts what requests for tokens redeem, and the records of these tokens in the audit. */
export function issues(idOf: (body: string) => string): CountRows {
  return async ({ db }, bodies) => {
    const { redeemed, audited } = await countRedeemed(db, bodies.map(idOf))
    return [redeemed, audited]
  }
}

/** Counts the assertions that Better Auth has recorded as used. */
export async function usedAssertions({ durablePeer }: Pick<World, 'durablePeer'>, bodies: readonly string[]) {
  if (durablePeer === undefined) return []
  return [await countUsedAssertions(durablePeer.db, bodies.map(assertionClaimsOf).map(usedAssertionId))]
}
