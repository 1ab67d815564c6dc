import { afterAll, beforeAll, expect, it } from 'vitest'
import { ISSUER, startInstance } from '../../test/support/authn.ts'
import { freshOperator, insertAgent, type TestAgent } from '../../test/support/authn-agents.ts'
import { silentLog, type TestDatabase, testDatabase } from '../../test/support/database.ts'
import { refusalOf } from '../../test/support/reason-of.ts'
import { type Db, openDb } from '../platform/db/db.ts'
import { createPassedTime } from '../platform/db/passed-time.ts'
import { pruneExpired } from '../platform/db/prune.ts'

const JUMP_S = 1_000

let database: TestDatabase
/** Connections whose clock the test sets. */
let db: Db
let agent: TestAgent

beforeAll(async () => {
  database = await testDatabase()
  await database.db.prisma.deployment.create({ data: { issuer: ISSUER } })
  agent = await insertAgent(database.db, await freshOperator(database.db))
  const { pool } = database.db
  await pool.query(`
    CREATE SCHEMA clock;
    CREATE TABLE clock.ahead (seconds int NOT NULL);
    INSERT INTO clock.ahead VALUES (0);
    CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
      'SELECT pg_catalog.clock_timestamp() + make_interval(secs => seconds) FROM clock.ahead';
    CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql AS
      'SELECT pg_catalog.now() + make_interval(secs => seconds) FROM clock.ahead'`)
  const settings = { search_path: 'clock, public, pg_catalog' }
  db = openDb({ url: database.url, poolSize: 4, log: silentLog, settings })
})
afterAll(async () => {
  await db.close()
  await database.drop()
})

const setClock = (seconds: number) => database.db.pool.query('UPDATE clock.ahead SET seconds = $1', [seconds])
const redemptions = () => database.db.prisma.redemption.count()

it("issueToken redeems a challenge once although the database's clock jumps forward and back", async () => {
  const instance = await startInstance(db, {
    settings: { keepRedemptionS: 1, ttlS: { min: 1, max: 60 }, defaultTtlS: 1 },
  })
  let laterMs = 0
  const clocks = { monotonic: () => performance.now() + laterMs, wall: () => Date.now() }
  const passed = createPassedTime(db.pool, clocks, silentLog)
  const prune = () => pruneExpired(db.pool, passed, 'redemptions', 'keep_until')
  await prune()
  const made = await instance.challenge(agent.did)
  expect(await refusalOf(instance.redeem(agent, made))).toBeUndefined()
  await setClock(JUMP_S)
  for (let pass = 0; pass < 3; pass += 1) {
    laterMs += 10_000
    await prune()
  }
  await setClock(0)
  expect(await redemptions()).toBe(1)
  expect(await refusalOf(instance.redeem(agent, made))).toBe('CHALLENGE_USED')
})

it('issueToken refuses a challenge whose redemption was removed as expired after the clock is set back', async () => {
  const instance = await startInstance(db)
  const made = await instance.challenge(agent.did)
  expect(await refusalOf(instance.redeem(agent, made))).toBeUndefined()
  const inTwoHours = { read: async () => Date.now() + 2 * 3_600_000 }
  await pruneExpired(db.pool, inTwoHours, 'redemptions', 'keep_until')
  expect(await redemptions()).toBe(0)
  expect(await refusalOf(instance.redeem(agent, made))).toBe('CHALLENGE_EXPIRED')
  expect(await redemptions()).toBe(0)
})
