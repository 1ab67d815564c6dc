import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertOperator } from '../../test/support/identity.ts'
import { providerRow } from '../../test/support/people.ts'
import { makeAllKeys, makeKey, openAll } from '../../test/support/sealed-rows.ts'
import { insertStream } from '../../test/support/signals.ts'
import { systemAuthor } from '../ledger/ledger.ts'
import { createRefreshKeys } from '../people/connections/refresh-key.ts'
import { formatRefreshToken, parseRefreshToken } from '../people/connections/refresh-token.ts'
import { openSecret } from '../people/store/providers.ts'
import { sealAuthorization } from '../signals/store/authorization.ts'
import { createKeyVault, type KeyVault, WrongKeyError } from './key-vault.ts'
import { checkSealed, countSealedUnderOthers, resealOld } from './rewrap.ts'

const [OLD, NEW] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
/** Vaults of processes, named after their configured KEKs. The first KEK in a name seals. */
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

describe('a change of the KEK', () => {
  it('seals a key again whose purpose a newer version has added', async () => {
    await prisma.$executeRaw`ALTER TYPE key_purpose ADD VALUE 'future'`
    const { wrapped, kekId } = oldOnly.seal(Buffer.alloc(32, 5), { purpose: 'future', id: 'k' })
    await prisma.$executeRaw`
      INSERT INTO jwks_keys (kid, purpose, alg, state, public_jwk, wrapped_key, kek_id)
      VALUES ('k', 'future', 'EdDSA', 'active', '{}', ${wrapped}, ${kekId})`
    await expect(checkSealed(prisma, newOnly)).rejects.toThrow(WrongKeyError)
    expect(await pass(newOld)).toBe(1)
    await checkSealed(prisma, newOnly)
    expect(await countSealedUnderOthers(prisma, newOnly.kekId)).toBe(0)
  })

  it('seals the Authorization header of a receiver again', async () => {
    const { id: operatorId } = await insertOperator(database.db, 'receiver.example.com', 'active')
    const { id } = await insertStream(database.db, operatorId)
    const sealed = sealAuthorization(oldOnly, id, 'Bearer x')
    await prisma.signalStream.update({
      where: { id },
      data: { wrappedAuthorization: sealed.wrapped, kekId: sealed.kekId },
    })
    await expect(checkSealed(prisma, newOnly)).rejects.toThrow(WrongKeyError)
    expect(await pass(newOld)).toBe(1)
    await checkSealed(prisma, newOnly)
    expect((await openAll(prisma, newOnly)).get(id)).toBe('Bearer x')
    expect(await audited()).toMatchObject([{ subject: id }])
  })

  it('seals the client secret at an identity provider again', async () => {
    const { id: operatorId } = await insertOperator(database.db, 'provider.example.com', 'active')
    const row = providerRow(oldOnly, 'work', 'https://idp.example')
    await prisma.identityProvider.create({ data: { operatorId, ...row } })
    await expect(checkSealed(prisma, newOnly)).rejects.toThrow(WrongKeyError)
    expect(await pass(newOld)).toBe(1)
    await checkSealed(prisma, newOnly)
    const sealed = await prisma.identityProvider.findUniqueOrThrow({ where: { id: row.id } })
    expect(openSecret(newOnly, sealed)).toBe('secret')
    expect(await audited()).toMatchObject([{ subject: row.id }])
  })

  it('seals the key of refresh tokens again, so that they stay good', async () => {
    await prisma.deployment.create({ data: { issuer: 'https://auth.example' } })
    const { id } = await createRefreshKeys({ prisma, vault: oldOnly }).current()
    await expect(checkSealed(prisma, newOnly)).rejects.toThrow(WrongKeyError)
    const token = { connection: randomUUID(), n: 7 }
    const text = formatRefreshToken((await createRefreshKeys({ prisma, vault: oldOnly }).current()).key, token)
    expect(await pass(newOld)).toBe(1)
    await checkSealed(prisma, newOnly)
    const later = await createRefreshKeys({ prisma, vault: newOnly }).current()
    expect([later.id, parseRefreshToken(later.key, text)]).toEqual([id, token])
    expect(await audited()).toMatchObject([{ subject: id }])
  })

  it('goes in steps, and at each step every process can open every secret', async () => {
    await makeAllKeys(prisma, oldOnly)
    const secrets = await openAll(prisma, oldOnly)
    const expectAllOpen = async (...instances: KeyVault[]) => {
      for (const vault of instances) {
        await checkSealed(prisma, vault)
        for (const [id, secret] of secrets) expect((await openAll(prisma, vault)).get(id), id).toBe(secret)
      }
    }
    // Step 1: every process gets the new KEK as another KEK.
    expect(await pass(oldNew)).toBe(0)
    await expectAllOpen(oldOnly, oldNew)
    // Step 2: one process after another begins to seal under the new KEK. Meanwhile each process seals the secrets of
    // the other processes again.
    expect(await pass(newOld)).toBe(SEALED_ROWS)
    await expectAllOpen(oldNew, newOld)
    expect(await pass(oldNew)).toBe(SEALED_ROWS)
    await makeKey(prisma, oldNew, 'prepared')
    await expectAllOpen(oldNew, newOld)
    // Now all processes seal under the new KEK.
    expect(await countSealedUnderOthers(prisma, newOld.kekId)).toBe(SEALED_ROWS + 1)
    expect(await pass(newOld)).toBe(SEALED_ROWS + 1)
    expect(await countSealedUnderOthers(prisma, newOld.kekId)).toBe(0)
    expect(await pass(newOld)).toBe(0)
    // Step 3: the processes no longer have the old KEK.
    await expectAllOpen(newOld, newOnly)
    await expect(checkSealed(prisma, oldOnly)).rejects.toThrow(WrongKeyError)
  })

  it('changes nothing but the sealed secrets', async () => {
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

  it('writes one audit record for each row', async () => {
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

describe('resealOld', () => {
  it.each([0, 1, 2, 3, 4])(
    'stops before row %i on an error, and the next pass does the remaining rows',
    async (done) => {
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
    },
  )

  it('skips a row that it cannot open, seals the other rows again, and then throws WrongKeyError', async () => {
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

describe('passes of resealOld at the same time', () => {
  it('change each row once', async () => {
    await makeAllKeys(prisma, oldOnly)
    const secrets = await openAll(prisma, oldOnly)
    const { counts } = await whileLocked([newOld, newOld, newOld])
    expect(counts.reduce((sum, count) => sum + count)).toBe(SEALED_ROWS)
    expect(await audited()).toHaveLength(SEALED_ROWS)
    expect(await openAll(prisma, newOnly)).toEqual(secrets)
  })

  it('lose no secret when the processes seal under different KEKs', async () => {
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
    ['was sealed again under the same KEK', `UPDATE jwks_keys SET wrapped_key = '\\x01' WHERE state = 'retiring'`],
    ['names another KEK', `UPDATE jwks_keys SET kek_id = 'another' WHERE state = 'retiring'`],
    ['was deleted', 'DELETE FROM challenge_keys WHERE slot = (SELECT min(slot) FROM challenge_keys)'],
  ])('do not change a row that %s in the meantime', async (_name, sql) => {
    await makeAllKeys(prisma, oldOnly)
    const { counts, changed } = await whileLocked([newOld], sql)
    expect(counts).toEqual([SEALED_ROWS - 1])
    const left = await rowsNotUnder(database.db.pool, newOld.kekId)
    expect(left.length).toBeGreaterThan(0)
    for (const row of left) expect(changed).toContainEqual(row)
    expect(await audited()).toHaveLength(SEALED_ROWS - 1)
  })
})

/** Makes the audit refuse records after this number of records of a pass. */
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
 * Starts passes that all read the rows before one of them, or the given statement, changes a row. Returns the number
 * of rows that each pass has changed, and the rows that were not sealed under the new KEK after the statement.
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

/** Returns the rows that are not sealed under this KEK. */
async function rowsNotUnder(client: Pick<Pool, 'query'>, kekId: string): Promise<unknown[]> {
  const rows = ['jwks_keys', 'challenge_keys'].map(
    (table) => `SELECT to_jsonb(t) AS row FROM ${table} t WHERE kek_id IS DISTINCT FROM $1`,
  )
  return (await client.query(rows.join(' UNION ALL '), [kekId])).rows
}

/** Returns how many statements in this database wait for a lock. */
async function waitingStatements(): Promise<number> {
  const { rows } = await database.db.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0]?.count ?? 0
}
