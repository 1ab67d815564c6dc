import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import { type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { makeAllKeys, makeKey } from '../../test/support/sealed-rows.ts'
import { createChallengeKeyring } from './challenge-keyring.ts'
import { createKeyVault, type KeyVault, WrongKeyError } from './key-vault.ts'
import { checkSealed, countSealedUnderOthers } from './rewrap.ts'

const [KEK, OTHER] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const vault = createKeyVault(KEK)
const both = createKeyVault(KEK, [OTHER])
const wrong = createKeyVault(OTHER)

let database: TestDatabase
let prisma: PrismaClient

beforeEach(async () => {
  database = await testDatabase()
  prisma = database.db.prisma
})
afterEach(() => database.drop())

const contents = () =>
  Promise.all([
    prisma.jwksKey.findMany({ orderBy: { kid: 'asc' } }),
    prisma.challengeKey.findMany({ orderBy: { slot: 'asc' } }),
    prisma.auditLog.findMany({ orderBy: { id: 'asc' } }),
  ])

describe('checkSealed', () => {
  it('accepts an empty database', async () => {
    await expect(checkSealed(prisma, vault)).resolves.toBeUndefined()
  })

  it('accepts secrets under any configured KEK, writes nothing, and overwrites the opened secrets', async () => {
    await makeAllKeys(prisma, vault)
    await makeKey(prisma, wrong, 'prepared')
    const before = await contents()
    const watched = createKeyVault(OTHER, [KEK])
    const open = vi.spyOn(watched, 'open')
    await checkSealed(prisma, watched)
    await checkSealed(prisma, both)
    expect(await contents()).toEqual(before)
    expect(open.mock.results.map(({ value }) => value)).toEqual(Array.from({ length: 6 }, () => Buffer.alloc(32)))
  })

  it.each<[string, (under: KeyVault) => Promise<unknown>]>([
    ['a prepared key', (under) => makeKey(prisma, under, 'prepared')],
    ['an active key', (under) => makeKey(prisma, under, 'active', 'ES256')],
    ['a retiring key', (under) => makeKey(prisma, under, 'retiring')],
    ['challenge keys', (under) => createChallengeKeyring(prisma, under, Date.now).rotate()],
  ])('detects a wrong KEK with only %s in the database, and writes nothing', async (_name, make) => {
    await make(vault)
    const before = await contents()
    await expect(checkSealed(prisma, wrong)).rejects.toThrow(WrongKeyError)
    expect(await contents()).toEqual(before)
  })

  it.each([
    [
      'a signing key was copied to another row',
      `INSERT INTO jwks_keys (kid, purpose, alg, state, public_jwk, wrapped_key, kek_id)
       SELECT 'another', purpose, alg, 'prepared', public_jwk, wrapped_key, kek_id FROM jwks_keys WHERE state = 'retiring'`,
    ],
    [
      'a signing key has the private half of another',
      `UPDATE jwks_keys SET wrapped_key = (SELECT wrapped_key FROM jwks_keys WHERE state = 'prepared') WHERE state = 'retiring'`,
    ],
    [
      'a challenge key was copied from another row',
      'UPDATE challenge_keys SET wrapped_key = (SELECT wrapped_key FROM challenge_keys ORDER BY slot LIMIT 1)',
    ],
    [
      'a challenge key was copied from a signing key with the same id',
      `UPDATE challenge_keys c SET id = k.kid, wrapped_key = k.wrapped_key FROM jwks_keys k
       WHERE k.state = 'retiring' AND c.slot = (SELECT min(slot) FROM challenge_keys)`,
    ],
    [
      'a signing key was altered',
      `UPDATE jwks_keys SET wrapped_key = set_byte(wrapped_key, 70, 255 - get_byte(wrapped_key, 70)) WHERE state = 'retiring'`,
    ],
    ['a row names another configured KEK', `UPDATE challenge_keys SET kek_id = '${wrong.kekId}'`],
    ['a row names no KEK', `UPDATE jwks_keys SET kek_id = NULL WHERE state = 'retiring'`],
  ])('throws WrongKeyError when %s', async (_name, sql) => {
    await makeAllKeys(prisma, vault)
    await checkSealed(prisma, both)
    await database.db.pool.query(sql)
    await expect(checkSealed(prisma, both)).rejects.toThrow(WrongKeyError)
  })
})

describe('countSealedUnderOthers', () => {
  it('counts secrets that are sealed under another KEK or name no KEK', async () => {
    await makeAllKeys(prisma, vault)
    expect(await countSealedUnderOthers(prisma, vault.kekId)).toBe(0)
    expect(await countSealedUnderOthers(prisma, wrong.kekId)).toBe(5)
    await database.db.pool.query(`UPDATE jwks_keys SET kek_id = NULL WHERE state = 'retiring'`)
    expect(await countSealedUnderOthers(prisma, vault.kekId)).toBe(1)
  })
})
