import type { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { makeAllKeys, makeKey, openAll } from '../../test/support/sealed-rows.ts'
import { systemAuthor } from '../ledger/ledger.ts'
import { createKeyVault, type KeyVault, WrongKeyError } from './key-vault.ts'
import { checkSealed, countSealedUnderOthers, resealOld } from './rewrap.ts'

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
/** Instances by what is configured: the key that seals first. */
const oldOnly = createKeyVault(OLD)
const oldNew = createKeyVault(OLD, [NEW])
const newOld = createKeyVault(NEW, [OLD])
const newOnly = createKeyVault(NEW)
const SEALED_ROWS = 5

let database: TestDatabase
let prisma: PrismaClient

beforeEach(async () => {
  database = await testDatabase()
  prisma = database.db.prisma
})
afterEach(() => database.drop())

const pass = (vault: KeyVault) => resealOld({ prisma, vault, author: systemAuthor('test') })
const audited = () => prisma.auditLog.findMany({ where: { action: 'key.rewrap' }, orderBy: { id: 'asc' } })
const sealedUnder = async (vault: KeyVault) => SEALED_ROWS - (await countSealedUnderOthers(prisma, vault.kekId))

describe('changing the key-encryption key', () => {
  it('goes step by step, and at none of them is there anything that some instance cannot open', async () => {
    await makeAllKeys(prisma, oldOnly)
    const secrets = await openAll(prisma, oldOnly)
    const expectAllOpen = async (...instances: KeyVault[]) => {
      for (const vault of instances) {
        await checkSealed(prisma, vault)
        for (const [id, secret] of secrets) expect((await openAll(prisma, vault)).get(id), id).toBe(secret)
      }
    }
    // Every instance gets the new key as another one.
    expect(await pass(oldNew)).toBe(0)
    await expectAllOpen(oldOnly, oldNew)
    // One instance after the other seals under it; in between they seal again what the others have sealed.
    expect(await pass(newOld)).toBe(SEALED_ROWS)
    await expectAllOpen(oldNew, newOld)
    expect(await pass(oldNew)).toBe(SEALED_ROWS)
    await makeKey(prisma, oldNew, 'prepared')
    await expectAllOpen(oldNew, newOld)
    // All seal under it.
    expect(await countSealedUnderOthers(prisma, newOld.kekId)).toBe(SEALED_ROWS + 1)
    expect(await pass(newOld)).toBe(SEALED_ROWS + 1)
    expect(await countSealedUnderOthers(prisma, newOld.kekId)).toBe(0)
    expect(await pass(newOld)).toBe(0)
    // The old key goes.
    await expectAllOpen(newOld, newOnly)
    await expect(checkSealed(prisma, oldOnly)).rejects.toThrow(WrongKeyError)
  })

  it('leaves the states of keys, and all that is no secret, as it was', async () => {
    await makeAllKeys(prisma, oldOnly)
    const rest = async () => ({
      signing: await prisma.jwksKey.findMany({ omit: { wrappedKey: true, kekId: true }, orderBy: { kid: 'asc' } }),
      challenge: await prisma.challengeKey.findMany({
        omit: { wrappedKey: true, kekId: true },
        orderBy: { id: 'asc' },
      }),
      log: await prisma.revocationLog.count(),
    })
    const before = await rest()
    await pass(newOld)
    expect(await rest()).toEqual(before)
  })

  it('is audited by one line for each row', async () => {
    await makeAllKeys(prisma, oldOnly)
    const ids = [...(await openAll(prisma, oldOnly)).keys()]
    await pass(newOld)
    const lines = await audited()
    expect(lines.map(({ subject }) => subject).toSorted()).toEqual(ids.toSorted())
    const reason = `from ${oldOnly.kekId} to ${newOnly.kekId}`
    for (const line of lines) expect(line).toMatchObject({ actor: 'system', outcome: 'done', reason, operatorId: null })
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(1)
  })
})

describe('a pass that breaks off', () => {
  it.each([0, 1, 2, 3, 4])('before row %i leaves that and the rest to the next one', async (done) => {
    await makeAllKeys(prisma, oldOnly)
    const secrets = await openAll(prisma, oldOnly)
    await failAuditAfter(done)
    await expect(pass(newOld)).rejects.toThrow('the audit is full')
    expect(await sealedUnder(newOld)).toBe(done)
    expect(await audited()).toHaveLength(done)
    expect(await openAll(prisma, newOld)).toEqual(secrets)
    await prisma.$executeRaw`DROP TRIGGER refuse ON audit_logs`
    expect(await pass(newOld)).toBe(SEALED_ROWS - done)
    expect(await openAll(prisma, newOnly)).toEqual(secrets)
    expect(new Set((await audited()).map(({ subject }) => subject)).size).toBe(SEALED_ROWS)
    expect(await audited()).toHaveLength(SEALED_ROWS)
  })

  it('for a row that does not open goes on with the others, and says so in the end', async () => {
    const foreign = createKeyVault(Buffer.alloc(32, 3))
    const kid = await makeKey(prisma, foreign, 'prepared')
    await makeAllKeys(prisma, oldOnly)
    const row = await prisma.jwksKey.findUnique({ where: { kid } })
    const failure = pass(newOld)
    await expect(failure).rejects.toThrow(WrongKeyError)
    await expect(failure).rejects.toThrow(`Key ${kid} in this database is sealed under`)
    expect(await prisma.jwksKey.findUnique({ where: { kid } })).toEqual(row)
    expect(await countSealedUnderOthers(prisma, newOld.kekId)).toBe(1)
    expect(await audited()).toHaveLength(SEALED_ROWS)
  })
})

describe('passes at the same time', () => {
  it('do each row once', async () => {
    await makeAllKeys(prisma, oldOnly)
    const secrets = await openAll(prisma, oldOnly)
    const { counts } = await whileLocked([newOld, newOld, newOld])
    expect(counts.reduce((sum, count) => sum + count)).toBe(SEALED_ROWS)
    expect(await audited()).toHaveLength(SEALED_ROWS)
    expect(await openAll(prisma, newOnly)).toEqual(secrets)
  })

  it('of instances that seal under different keys lose nothing', async () => {
    await makeAllKeys(prisma, oldOnly)
    await makeKey(prisma, newOnly, 'prepared')
    const secrets = await openAll(prisma, newOld)
    const { counts } = await whileLocked([newOld, oldNew])
    expect(counts).toEqual([SEALED_ROWS, 1])
    expect(await openAll(prisma, newOld)).toEqual(secrets)
    expect(await openAll(prisma, oldNew)).toEqual(secrets)
  })

  it.each([
    [
      'was retired',
      `UPDATE jwks_keys SET state = 'retired', wrapped_key = NULL, kek_id = NULL WHERE state = 'retiring'`,
    ],
    ['was compromised', `UPDATE jwks_keys SET state = 'compromised', wrapped_key = NULL WHERE state = 'retiring'`],
    ['was sealed anew under the same key', `UPDATE jwks_keys SET wrapped_key = '\\x01' WHERE state = 'retiring'`],
    ['is said to be under another key', `UPDATE jwks_keys SET kek_id = 'another' WHERE state = 'retiring'`],
    ['was dropped', 'DELETE FROM challenge_keys WHERE slot = (SELECT min(slot) FROM challenge_keys)'],
  ])('leave a row alone that %s meanwhile', async (_name, sql) => {
    await makeAllKeys(prisma, oldOnly)
    const { counts, changed } = await whileLocked([newOld], sql)
    expect(counts).toEqual([SEALED_ROWS - 1])
    const left = await rowsNotUnder(database.db.pool, newOld.kekId)
    expect(left.length).toBeGreaterThan(0)
    for (const row of left) expect(changed).toContainEqual(row)
    expect(await audited()).toHaveLength(SEALED_ROWS - 1)
  })
})

/** Makes the audit refuse what comes after so many lines of a pass. */
async function failAuditAfter(lines: number): Promise<void> {
  await database.db.pool.query(`
    CREATE FUNCTION full_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (SELECT count(*) FROM audit_logs WHERE action = 'key.rewrap') >= ${lines} THEN RAISE EXCEPTION 'the audit is full'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION full_audit()`)
}

/**
 * Starts passes that all have read the rows before one of them, or the given statement, changes any. Returns how many rows each
 * has changed, and what the statement has left.
 */
async function whileLocked(vaults: readonly KeyVault[], sql = 'SELECT 1') {
  const client = await database.db.pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('LOCK TABLE jwks_keys, challenge_keys IN SHARE ROW EXCLUSIVE MODE')
    const passes = Promise.all(vaults.map(pass))
    await expect.poll(waitingStatements, { interval: 10 }).toBe(vaults.length)
    await client.query(sql)
    const changed = await rowsNotUnder(client, newOld.kekId)
    await client.query('COMMIT')
    return { counts: await passes, changed }
  } finally {
    client.release()
  }
}

/** The rows in which nothing is sealed under this key. */
async function rowsNotUnder(client: Pick<Pool, 'query'>, kekId: string): Promise<unknown[]> {
  const rows = ['jwks_keys', 'challenge_keys'].map(
    (table) => `SELECT to_jsonb(t) AS row FROM ${table} t WHERE kek_id IS DISTINCT FROM $1`,
  )
  return (await client.query(rows.join(' UNION ALL '), [kekId])).rows
}

/** Statements of this database that wait for a lock. */
async function waitingStatements(): Promise<number> {
  const { rows } = await database.db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0]?.count ?? 0
}
