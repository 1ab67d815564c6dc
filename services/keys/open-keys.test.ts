import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startInstance } from '../../test/support/authn.ts'
import { authnState, freshOperator, insertAgent } from '../../test/support/authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { insertTokenKey } from '../../test/support/tokens.ts'
import { openDb } from '../platform/db/db.ts'
import { WrongKeyError } from './key-vault.ts'

const OTHER_KEK = new Uint8Array(32).fill(9)

let database: TestDatabase

beforeEach(async () => {
  database = await testDatabase()
})
afterEach(() => database.drop())

const signingKeys = () => database.db.prisma.jwksKey.findMany()

/** Asserts that a start fails with WrongKeyError and writes nothing. */
async function expectWrongKey(kek?: Uint8Array): Promise<void> {
  const before = await authnState(database.db)
  await expect(startInstance(database.db, kek && { kek })).rejects.toThrow(WrongKeyError)
  expect(await authnState(database.db)).toEqual(before)
}

const shown = (members: object) => expect.objectContaining({ ...members, use: 'sig', kid: expect.any(String) })

describe('the first start of a deployment', () => {
  it('creates one sealed, active key of each purpose and algorithm, with its audit', async () => {
    const { jwks } = await startInstance(database.db)
    const made = await signingKeys()
    expect(made.map(({ purpose, alg }) => `${purpose} ${alg}`).toSorted()).toEqual([
      'access_token ES256',
      'access_token Ed25519',
      'access_token EdDSA',
      'access_token RS256',
      'federation ES256',
      'grant Ed25519',
      'introspection EdDSA',
      'security_event RS256',
    ])
    for (const key of made) {
      expect(key).toMatchObject({ state: 'active', externalRef: null, activatedAt: key.createdAt })
    }
    const { keys = [] } = await jwks()
    const ed25519 = { kty: 'OKP', crv: 'Ed25519', x: expect.any(String) }
    expect(keys.toSorted((one, other) => ((one.alg ?? '') < (other.alg ?? '') ? -1 : 1))).toEqual([
      shown({ alg: 'ES256', kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String) }),
      shown({ alg: 'Ed25519', ...ed25519 }),
      shown({ alg: 'Ed25519', ...ed25519 }),
      shown({ alg: 'EdDSA', ...ed25519 }),
      shown({ alg: 'EdDSA', ...ed25519 }),
      shown({ alg: 'RS256', kty: 'RSA', n: expect.any(String), e: 'AQAB' }),
    ])
    const audit = await database.db.prisma.auditLog.findMany({ where: { action: 'key.create' } })
    expect(audit.map(({ subject }) => subject).toSorted()).toEqual(made.map(({ kid }) => kid).toSorted())
    expect(new Set(audit.map(({ actor }) => actor))).toEqual(new Set(['system']))
  })

  it('creates one key of each purpose and algorithm when two processes start at the same time', async () => {
    const otherDb = openDb({ url: database.url, poolSize: 4, log: silentLog })
    try {
      const [one, other] = await Promise.all([startInstance(database.db), startInstance(otherDb)])
      expect(await signingKeys()).toHaveLength(8)
      expect(await database.db.prisma.challengeKey.count()).toBe(2)
      expect(await database.db.prisma.auditLog.count()).toBe(10)
      const agent = await insertAgent(database.db, await freshOperator(database.db))
      expect(await one.verify(await other.issue(agent))).toMatchObject({ valid: true })
      expect(await other.verify(await one.issue(agent))).toMatchObject({ valid: true })
    } finally {
      await otherDb.close()
    }
  })

  it('fails in one of two processes that start at the same time under different KEKs', async () => {
    const started = await Promise.allSettled([
      startInstance(database.db),
      startInstance(database.db, { kek: OTHER_KEK }),
    ])
    expect(started.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const sealedUnder = new Set((await database.db.prisma.challengeKey.findMany()).map(({ kekId }) => kekId))
    expect(sealedUnder).toEqual(new Set((await signingKeys()).map(({ kekId }) => kekId)))
  })
})

describe('a restart', () => {
  it('keeps all keys, and accepts earlier tokens and challenges', async () => {
    const before = await startInstance(database.db)
    const agent = await insertAgent(database.db, await freshOperator(database.db))
    const token = await before.issue(agent)
    const made = await before.challenge(agent.did)
    const state = await authnState(database.db)
    const after = await startInstance(database.db)
    expect(await authnState(database.db)).toEqual(state)
    expect(await after.verify(token)).toMatchObject({ valid: true })
    expect(await after.redeem(agent, made)).toMatchObject({ tokenType: 'Bearer' })
  })

  it('fails under another KEK and writes nothing', async () => {
    await startInstance(database.db)
    await expectWrongKey(OTHER_KEK)
  })

  it('fails under another KEK when the database has only challenge keys', async () => {
    await startInstance(database.db)
    await database.db.prisma.jwksKey.deleteMany()
    await expectWrongKey(OTHER_KEK)
  })

  it('fails under another KEK when the database has only signing keys', async () => {
    await startInstance(database.db)
    await database.db.prisma.challengeKey.deleteMany()
    await expectWrongKey(OTHER_KEK)
  })

  it('fails when a sealed signing key was altered', async () => {
    await startInstance(database.db)
    const [key] = await signingKeys()
    const wrappedKey = Uint8Array.from(key?.wrappedKey ?? [])
    wrappedKey[wrappedKey.length - 1] = (wrappedKey.at(-1) ?? 0) ^ 1
    await database.db.prisma.jwksKey.update({ where: { kid: key?.kid ?? '' }, data: { wrappedKey } })
    await expectWrongKey()
  })

  it('fails when a sealed signing key was copied to another row', async () => {
    await startInstance(database.db)
    const [one, other] = await signingKeys()
    const data = { wrappedKey: Uint8Array.from(other?.wrappedKey ?? []) }
    await database.db.prisma.jwksKey.update({ where: { kid: one?.kid ?? '' }, data })
    await expectWrongKey()
  })

  it('fails when a sealed challenge key was copied to another row', async () => {
    await startInstance(database.db)
    const [one, other] = await database.db.prisma.challengeKey.findMany()
    const data = { wrappedKey: Uint8Array.from(other?.wrappedKey ?? []) }
    await database.db.prisma.challengeKey.updateMany({ where: { id: one?.id ?? '' }, data })
    await expectWrongKey()
  })
})

describe('the schedule', () => {
  it.each([
    ['keeps a key that has been retiring for 64 minutes', 64, 'retiring'],
    ['retires a key that has been retiring for 66 minutes', 66, 'retired'],
  ])('%s, because a token lives up to an hour and clocks may differ by 5 minutes', async (_name, minutes, state) => {
    await startInstance(database.db)
    const { kid } = await insertTokenKey(database.db, 'retiring')
    await database.db.pool.query(
      'UPDATE jwks_keys SET retiring_at = clock_timestamp() - make_interval(mins => $1) WHERE kid = $2',
      [minutes, kid],
    )
    await (await startInstance(database.db)).runJobs()
    expect(await database.db.prisma.jwksKey.findUniqueOrThrow({ where: { kid } })).toMatchObject({ state })
  })
})
