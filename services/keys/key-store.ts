import { type JwksKey, Prisma, type PrismaClient } from '../../gen/prisma/client.ts'
import type { KeyPurpose, KeyState } from '../../gen/prisma/enums.ts'
import type { Tx } from '../platform/db/db.ts'
import { PURPOSES } from './domain/key-kinds.ts'
import type { KeyRow, NewSigningKey } from './key-provider.ts'

/** Leaves out rows of other purposes, because Prisma cannot read a purpose that a newer version has added. */
export const OF_KNOWN_PURPOSE = { purpose: { in: [...PURPOSES] } }

/** A signing key without its private half. */
export type SigningKey = Omit<JwksKey, 'wrappedKey'>

/** Result of readKeys. */
export interface SigningKeysRead {
  /** Oldest first. */
  readonly keys: readonly SigningKey[]
  /** A time before the keys were read, by the database's clock. */
  readonly databaseNow: Date
}

/** Reads all signing keys. */
export async function readKeys(db: PrismaClient | Tx): Promise<SigningKeysRead> {
  const [clock] = await db.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`
  if (clock === undefined) throw new Error('The database returned no row for its clock')
  const keys = await db.jwksKey.findMany({
    where: OF_KNOWN_PURPOSE,
    orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }],
    omit: { wrappedKey: true },
  })
  return { keys, databaseNow: clock.now }
}

/** Finds the keys of a purpose whose private half may be needed: active and prepared keys. */
export function findUsable(prisma: PrismaClient, purpose: KeyPurpose): Promise<KeyRow[]> {
  return prisma.jwksKey.findMany({ where: { purpose, state: { in: ['prepared', 'active'] } } })
}

/** Finds one key of a purpose, with its sealed private half if the row still has it. */
export function findRow(prisma: PrismaClient, purpose: KeyPurpose, kid: string): Promise<KeyRow | null> {
  return prisma.jwksKey.findUnique({ where: { kid, purpose } })
}

/** Prevents changes of keys by other transactions until this transaction ends. Reading stays possible. */
export async function lockKeys(tx: Tx): Promise<void> {
  await tx.$executeRaw`LOCK TABLE jwks_keys IN SHARE ROW EXCLUSIVE MODE`
}

/** A new signing key and its first state. */
export interface AddedKey {
  readonly key: NewSigningKey
  readonly state: 'prepared' | 'active'
}

/**
 * Inserts keys with times of the database's clock. Ages count from these times, and the process's clock may be wrong.
 */
export async function insertKeys(tx: Tx, added: readonly AddedKey[]): Promise<void> {
  if (added.length === 0) return
  await tx.jwksKey.createMany({
    data: added.map(({ key: { kid, purpose, alg, publicJwk, stored }, state }) => {
      return { kid, purpose, alg, state, publicJwk: { ...publicJwk }, ...stored }
    }),
  })
  const kids = added.map(({ key }) => key.kid)
  await tx.$executeRaw`
    UPDATE jwks_keys SET created_at = clock.now, activated_at = CASE WHEN state = 'active' THEN clock.now END
    FROM (SELECT clock_timestamp() AS now) AS clock
    WHERE kid = ANY(${kids})`
}

/** The move of a key to another state. */
export interface Move {
  readonly kid: string
  readonly to: Exclude<KeyState, 'prepared'>
}

/**
 * Moves keys to other states, and records the time by the database's clock. Deletes the sealed private half of a key
 * that becomes retired or compromised. The moves to active come last, because the database does not allow two active
 * keys of a kind, even within a transaction.
 */
export async function moveKeys(tx: Tx, moves: readonly Move[]): Promise<void> {
  await moveTogether(
    tx,
    moves.filter(({ to }) => to !== 'active'),
  )
  await moveTogether(
    tx,
    moves.filter(({ to }) => to === 'active'),
  )
}

async function moveTogether(tx: Tx, moves: readonly Move[]): Promise<void> {
  if (moves.length === 0) return
  const [kids, states] = [moves.map(({ kid }) => kid), moves.map(({ to }) => to)]
  await tx.$executeRaw`
    UPDATE jwks_keys SET
      state = move.state::key_state,
      activated_at = CASE WHEN move.state = 'active' THEN clock_timestamp() ELSE activated_at END,
      retiring_at = CASE WHEN move.state = 'retiring' THEN clock_timestamp() ELSE retiring_at END,
      retired_at = CASE WHEN move.state = 'retired' THEN clock_timestamp() ELSE retired_at END,
      compromised_at = CASE WHEN move.state = 'compromised' THEN clock_timestamp() ELSE compromised_at END,
      wrapped_key = CASE WHEN move.state IN ('retired', 'compromised') THEN NULL ELSE wrapped_key END,
      kek_id = CASE WHEN move.state IN ('retired', 'compromised') THEN NULL ELSE kek_id END
    FROM unnest(${kids}::text[], ${states}::text[]) AS move (kid, state)
    WHERE jwks_keys.kid = move.kid`
}

/** Finds retired and compromised keys whose private half may still exist outside the database. */
export function findDiscarded(prisma: PrismaClient): Promise<KeyRow[]> {
  return prisma.jwksKey.findMany({
    where: { ...OF_KNOWN_PURPOSE, state: { in: ['retired', 'compromised'] }, externalRef: { not: Prisma.AnyNull } },
  })
}

/** Records that the private half of a key outside the database has been destroyed. */
export async function forgetExternal(prisma: PrismaClient, kid: string): Promise<void> {
  await prisma.jwksKey.update({ where: { kid }, data: { externalRef: Prisma.DbNull } })
}
