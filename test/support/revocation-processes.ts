import { randomUUID } from 'node:crypto'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
import type pg from 'pg'
import { noBus } from '../../services/platform/bus/bus.ts'
import { createClockGuard } from '../../services/platform/db/clock-guard.ts'
import { openDb, openPool } from '../../services/platform/db/db.ts'
import { connectRevocations, type Revocations, systemClock } from '../../services/revocation/index.ts'
import { freshOperator } from './authn-agents.ts'
import { silentLog, type TestDatabase } from './database.ts'
import { until } from './until.ts'

/** The revocations of a process, and what they have cost. */
interface Process extends Revocations {
  /** Number of answers from memory and from the database. */
  readonly paths: { memory: number; database: number }
  readonly checkPool: pg.Pool
  /** For each wait: the time from the commit to the answer, and the number of leases that ran out. */
  readonly waits: { ms: number; ranOut: number }[]
}

/** Starts processes of a deployment without NATS, each with its own connections. */
export function revocationProcesses({ db: shared, url }: TestDatabase) {
  const { prisma, pool } = shared
  const started: (() => Promise<void>)[] = []
  return {
    startProcess: async (leaseMs: number | undefined, verifies = true, wall = Date.now): Promise<Process> => {
      const db = openDb({ url, poolSize: 4, log: silentLog })
      const checkPool = openPool({ url, poolSize: 1, log: silentLog })
      const paths = { memory: 0, database: 0 }
      const waits: { ms: number; ranOut: number }[] = []
      const clock = { ...systemClock, wall }
      const revocations = connectRevocations({
        pool: db.pool,
        checkPool,
        database: { url },
        bus: noBus,
        leaseMs,
        verifies,
        isWatched: false,
        endsTokens: true,
        clock,
        durability: { demand() {} },
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
    },
    stopAll: async (): Promise<void> => {
      for (const stop of started.splice(0)) await stop()
    },
    /** Inserts an operator and an agent, and returns a token of the agent. */
    tokenOfNewOperator: async (): Promise<TokenIdentity> => {
      const { id: operatorId } = await freshOperator(shared)
      const { epoch: operatorEpoch } = await prisma.operator.findUniqueOrThrow({ where: { id: operatorId } })
      const sub = 'did:agent:x'
      await pool.query('INSERT INTO agents (id, operator_id, did) VALUES ($1, $2, $3)', [randomUUID(), operatorId, sub])
      return { jti: randomUUID(), operatorId, sub, agentEpoch: 1, operatorEpoch, kid: 'k' }
    },
    /** Ends all tokens of the token's operator. */
    suspend: ({ operatorId }: TokenIdentity) =>
      pool.query('UPDATE operators SET epoch = epoch + 1 WHERE id = $1', [operatorId]),
  }
}
