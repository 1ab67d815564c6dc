import { randomUUID } from 'node:crypto'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type pg from 'pg'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { freshOperator } from '../../test/support/authn.ts'
import { silentLog, testDatabase } from '../../test/support/database.ts'
import { until } from '../../test/support/until.ts'
import { noBus } from '../platform/bus/bus.ts'
import { createClockGuard } from '../platform/db/clock-guard.ts'
import { openDb, openPool } from '../platform/db/db.ts'
import { connectRevocations, type Revocations, systemClock } from './connect-revocations.ts'

const database = await testDatabase()
const { pool } = database.db
const started: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of started.splice(0)) await stop()
})
afterAll(() => database.drop())

interface Process extends Revocations {
  /** How often it has asked memory and the database. */
  readonly paths: { memory: number; database: number }
  readonly checkPool: pg.Pool
  /** Time from a commit to the answer, and leases that ran out, of each wait. */
  readonly waits: { ms: number; ranOut: number }[]
}

/** A process of the deployment without NATS, on connections of its own. */
async function startProcess(leaseMs: number | undefined, verifies = true, wall = Date.now): Promise<Process> {
  const db = openDb({ url: database.url, poolSize: 4, log: silentLog })
  const checkPool = openPool({ url: database.url, poolSize: 1, log: silentLog })
  const paths = { memory: 0, database: 0 }
  const waits: { ms: number; ranOut: number }[] = []
  const clock = { ...systemClock, wall }
  const revocations = connectRevocations({
    pool: db.pool,
    checkPool,
    url: database.url,
    bus: noBus,
    leaseMs,
    verifies,
    isWatched: false,
    endsTokens: true,
    clock,
    clockGuard: createClockGuard({ clocks: clock, toleranceMs: 10_000, log: silentLog }),
    log: silentLog,
    metrics: { settled: (ms, ranOut) => waits.push({ ms, ranOut }), checked: (path) => (paths[path] += 1) },
  })
  started.push(async () => {
    await revocations.stop()
    await db.close()
    await checkPool.end()
  })
  if (verifies && leaseMs !== undefined) await until(async () => revocations.lease?.holdsLease, Boolean)
  return { ...revocations, paths, waits, checkPool }
}

async function tokenOfNewOperator(): Promise<TokenIdentity> {
  const { id: operatorId } = await freshOperator(database.db)
  const { rows } = await pool.query('SELECT epoch FROM operators WHERE id = $1', [operatorId])
  await pool.query(`INSERT INTO agents (id, operator_id, did) VALUES ($1, $2, 'did:agent:x')`, [
    randomUUID(),
    operatorId,
  ])
  return { jti: randomUUID(), operatorId, sub: 'did:agent:x', agentEpoch: 1, operatorEpoch: rows[0].epoch, kid: 'k' }
}

const suspend = ({ operatorId }: TokenIdentity) =>
  pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [operatorId])

describe('a deployment without NATS', () => {
  it('every process refuses once the call has returned, from memory, and none has to wait for a lease', async () => {
    const processes = await Promise.all([startProcess(2_000), startProcess(2_000), startProcess(2_000, false)])
    for (let round = 0; round < 20; round += 1) {
      const token = await tokenOfNewOperator()
      for (const { tokenStatus } of processes) expect(await tokenStatus.check(token)).toBeUndefined()
      await suspend(token)
      await processes[round % 3]?.settle()
      for (const { tokenStatus } of processes) expect(await tokenStatus.check(token)).toBe('OPERATOR_TOKENS_ENDED')
    }
    const [one, two, three] = processes
    expect(one?.paths).toEqual({ memory: 40, database: 0 })
    expect(two?.paths).toEqual({ memory: 40, database: 0 })
    expect(three?.paths).toEqual({ memory: 0, database: 40 })
    expect(processes.flatMap(({ waits }) => waits).map(({ ranOut }) => ranOut)).toEqual(Array(20).fill(0))
  })

  it('without leases every answer is the database’s', async () => {
    const process = await startProcess(undefined)
    const token = await tokenOfNewOperator()
    await suspend(token)
    expect(await process.tokenStatus.check(token)).toBe('OPERATOR_TOKENS_ENDED')
    expect(process.paths).toEqual({ memory: 0, database: 1 })
  })

  it('a verifier that died is waited for once, for no longer than its lease', async () => {
    const process = await startProcess(500)
    await pool.query(`INSERT INTO verifiers (incarnation, name, lease_ms) VALUES ($1, 'dead', 500)`, [randomUUID()])
    await suspend(await tokenOfNewOperator())
    await process.settle()
    await process.settle()
    expect(process.waits.map(({ ranOut }) => ranOut)).toEqual([1, 0])
  })

  it('leases and waits do not stand behind verifications that wait for the database', async () => {
    const process = await startProcess(undefined)
    const token = await tokenOfNewOperator()
    const busy = await process.checkPool.connect()
    let isAnswered = false
    const answer = process.tokenStatus.check(token).finally(() => {
      isAnswered = true
    })
    try {
      for (let wait = 0; wait < 5; wait += 1) await process.settle()
      expect(isAnswered).toBe(false)
    } finally {
      busy.release()
    }
    expect(await answer).toBeUndefined()
  })

  it.each([
    ['under a lease', 2_000],
    ['without leases', undefined],
  ])(
    'a process whose clock is 320 s behind answers no verification %s, until the clock is right',
    async (_, leaseMs) => {
      let behindMs = 320_000
      const process = await startProcess(leaseMs, true, () => Date.now() - behindMs)
      const token = await tokenOfNewOperator()
      const wrong = { reason: 'UNAVAILABLE', message: expect.stringContaining('320 s behind') }
      await expect(process.tokenStatus.check(token)).rejects.toMatchObject(wrong)
      behindMs = 0
      // The lease that was taken under the wrong clock is still valid by the monotonic one, and over by the other.
      expect(await process.tokenStatus.check(token)).toBeUndefined()
    },
  )

  it('a verifier that stops gives its lease back', async () => {
    await startProcess(2_000)
    for (const stop of started.splice(0)) await stop()
    expect((await pool.query('SELECT 1 FROM verifiers')).rowCount).toBe(0)
  })
})
