import { type JwksKey, Prisma, type PrismaClient } from '../../gen/prisma/client.ts'
import type { KeyState } from '../../gen/prisma/enums.ts'
import type { Tx } from '../platform/db/db.ts'
import type { KeyRow, NewTokenKey } from './key-provider.ts'

/** Purpose of the keys that sign access tokens, and nothing else. */
export const PURPOSE = 'access_token'

/** A signing key without its private half. */
export type SigningKey = Omit<JwksKey, 'wrappedKey'>

/** All signing keys, oldest first, and a moment before they were read, by the database's clock. */
export interface SigningKeysRead {
  readonly keys: readonly SigningKey[]
  readonly databaseNow: Date
}

/** Reads all keys. */
export async function readKeys(db: PrismaClient | Tx): Promise<SigningKeysRead> {
  const [clock] = await db.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`
  if (clock === undefined) throw new Error('the database tells no time')
  const keys = await db.jwksKey.findMany({
    where: { purpose: PURPOSE },
    orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }],
    omit: { wrappedKey: true },
  })
  return { keys, databaseNow: clock.now }
}

/** The keys whose private half may be needed: those that sign, and those that will. */
export function findUsable(prisma: PrismaClient): Promise<KeyRow[]> {
  return prisma.jwksKey.findMany({ where: { purpose: PURPOSE, state: { in: ['prepared', 'active'] } } })
}

/** One key with its private half, as long as it has one. */
export function findRow(prisma: PrismaClient, kid: string): Promise<KeyRow | null> {
  return prisma.jwksKey.findUnique({ where: { kid, purpose: PURPOSE } })
}

/** Lets nobody else change keys until the transaction ends; reading them goes on. */
export async function lockKeys(tx: Tx): Promise<void> {
  await tx.$executeRaw`LOCK TABLE jwks_keys IN SHARE ROW EXCLUSIVE MODE`
}

/** Adds a key, at a moment of the database's clock: that of this process may be wrong, and ages are counted from there. */
export async function insertKey(tx: Tx, key: NewTokenKey, state: 'prepared' | 'active'): Promise<void> {
  const { kid, alg, publicJwk, stored } = key
  await tx.jwksKey.create({ data: { kid, purpose: PURPOSE, alg, state, publicJwk: { ...publicJwk }, ...stored } })
  await tx.$executeRaw`
    UPDATE jwks_keys SET created_at = clock.now, activated_at = CASE WHEN state = 'active' THEN clock.now END
    FROM (SELECT clock_timestamp() AS now) AS clock
    WHERE kid = ${kid}`
}

/** Moves a key to another state, at a moment of the database's clock. Its private half goes with the last one. */
export async function moveKey(tx: Tx, kid: string, state: Exclude<KeyState, 'prepared'>): Promise<void> {
  await tx.$executeRaw`
    UPDATE jwks_keys SET
      state = ${state}::key_state,
      activated_at = CASE WHEN ${state} = 'active' THEN clock_timestamp() ELSE activated_at END,
      retiring_at = CASE WHEN ${state} = 'retiring' THEN clock_timestamp() ELSE retiring_at END,
      retired_at = CASE WHEN ${state} = 'retired' THEN clock_timestamp() ELSE retired_at END,
      compromised_at = CASE WHEN ${state} = 'compromised' THEN clock_timestamp() ELSE compromised_at END,
      wrapped_key = CASE WHEN ${state} IN ('retired', 'compromised') THEN NULL ELSE wrapped_key END,
      kek_id = CASE WHEN ${state} IN ('retired', 'compromised') THEN NULL ELSE kek_id END
    WHERE kid = ${kid}`
}

/** Keys that are no longer needed whose private half may still be where their row says. */
export function findDiscarded(prisma: PrismaClient): Promise<KeyRow[]> {
  return prisma.jwksKey.findMany({
    where: { purpose: PURPOSE, state: { in: ['retired', 'compromised'] }, externalRef: { not: Prisma.AnyNull } },
  })
}

/** Notes that a key's private half is nowhere any more. */
export async function forgetExternal(prisma: PrismaClient, kid: string): Promise<void> {
  await prisma.jwksKey.update({ where: { kid }, data: { externalRef: Prisma.DbNull } })
}
