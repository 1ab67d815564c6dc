import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRpc } from '../chain/chain.ts'
import { callLevels } from '../chain/observation.ts'
import { createRefusalBound } from '../chain/refusal-bound.ts'
import { withRequestScope } from '../internal-port/request-scope.ts'
import { MIB } from '../ledger/storage-bound.ts'
import { startReadiness } from '../operations/readiness.ts'
import { claimIssuer } from '../platform/db/claim-issuer.ts'
import { createClockGuard, readClock } from '../platform/db/clock-guard.ts'
import { openDb } from '../platform/db/db.ts'
import { applyMigrations } from '../platform/db/migrate.ts'
import { createPassedTime } from '../platform/db/passed-time.ts'
import { createLimiter } from '../platform/limits/limits.ts'
import { scaleRates, scaleWriteRates } from '../platform/limits/rates.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Exposition } from '../platform/metrics/exposition.ts'
import { createMetrics, type Metrics } from '../platform/metrics/metrics.ts'
import { type Job, startScheduler } from '../platform/schedule/scheduler.ts'
import type { Config } from '../process/configuration/config.ts'
import type { Secrets } from '../process/configuration/secrets.ts'
import { isSplit } from '../process/configuration/service-names.ts'
import { systemClock } from '../revocation/index.ts'
import { connectRemotes, openInternalTls } from './connect-remotes.ts'
import { createServices } from './create-services.ts'
import { openRevocations } from './open-revocations.ts'
import { type Ports, startListeners } from './start-listeners.ts'

/** A running server process. */
export interface Server {
  readonly ports: Ports
  /**
   * Stops the process cleanly. It reports that it is not ready, waits for the drain delay so that callers can notice
   * that, finishes the requests in flight, and closes listeners and connections.
   */
  stop(): Promise<void>
}

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))

/** Number of connections for reads by operators. One operator uses at most two. They are opened when needed. */
const READ_POOL_SIZE = 4

/** How long connections may take to close, in milliseconds. */
const DISPOSAL_MS = 5_000

/** Options of startServer. */
export interface ServerDeps {
  readonly config: Config
  readonly secrets: Secrets
  readonly databaseUrl: string
  readonly log: Logger
  /** Returns the answer of /metrics. Default: the metrics of this process alone. */
  readonly expose?: (metrics: Metrics) => Exposition
}

/** Creates the services of a process, connects them to the database and to other processes, and starts to listen. */
export async function startServer(deps: ServerDeps): Promise<Server> {
  const { config, secrets, databaseUrl, log, expose = ({ exposition }) => exposition } = deps
  await applyMigrations({ url: databaseUrl, migrationsDir: MIGRATIONS, log })
  await using opened = new AsyncDisposableStack()
  const db = openDb({ url: databaseUrl, poolSize: config.dbPoolSize, log })
  opened.defer(() => db.close())
  const readDb = openDb({ url: databaseUrl, poolSize: READ_POOL_SIZE, log })
  opened.defer(() => readDb.close())
  const deployment = await claimIssuer(db.prisma, config.issuer, config.maxAgents)
  const clockGuard = createClockGuard({ clocks: systemClock, toleranceMs: config.clockSkew * 1000, log })
  await readClock(db.pool, clockGuard)
  const metrics = createMetrics(db.pool)
  const certificates = await openInternalTls(config, log)
  opened.defer(() => certificates?.close())
  const remotes = connectRemotes(config, certificates)
  opened.defer(() => remotes.close())
  const revocations = await openRevocations(config, { databaseUrl, db, deployment, clockGuard, log, metrics })
  opened.defer(() => revocations.stop())
  const passedTime = createPassedTime(db.pool, systemClock, log)
  const services = await createServices({
    config,
    secrets,
    databaseUrl,
    deployment,
    db,
    readDb,
    log,
    remotes,
    revocations,
    passedTime,
    metrics,
  })
  opened.defer(() => services.close())
  const { operators, routes, internal, jobs, watchers, signingKeyFacts, issuerFacts, anchorFacts, verifyAccess } =
    services
  metrics.revocation.show({ ...revocations, watchers, clockGuard })
  if (issuerFacts !== undefined) metrics.showIssuers(issuerFacts)
  if (anchorFacts !== undefined) metrics.showAnchors(anchorFacts)
  if (signingKeyFacts !== undefined) metrics.showSigningKeys(signingKeyFacts)
  const factor = config.rateFactorPercent / 100
  const rpc = createRpc(routes, remotes.forwards, {
    operators,
    adminKey: secrets.adminKey,
    verifyAccess,
    issuer: config.issuer,
    prisma: db.prisma,
    log,
    callLevel: callLevels[config.logFormat],
    metrics,
    limiter: createLimiter(() => performance.now()),
    rates: scaleRates(factor),
    maxConcurrency: config.maxConcurrency,
    deadlineMs: config.requestTimeoutMs,
    settle: () => revocations.settle(),
    now: Date.now,
    skewS: config.clockSkew,
    operatorBytesPerDay: config.operatorDailyMib * MIB,
    mayRecordRefusal: createRefusalBound(scaleWriteRates(factor).refusals, metrics.leftOutRefusal),
    clockProblem: () => clockGuard.problem(),
  })
  const readiness = await startReadiness({
    askDatabase: () => readClock(db.pool, clockGuard),
    clockProblem: () => clockGuard.problem(),
    missingServices: () => remotes.missing(),
  })
  opened.defer(() => readiness.stop())
  const listeners = await startListeners({
    config,
    log,
    metrics,
    exposition: expose(metrics),
    // Only a call to another process needs to know the request that causes it.
    rpc: isSplit(config.services) ? withRequestScope(rpc) : rpc,
    internal,
    certificates,
    ready: () => readiness.missing(),
  })
  // Leases and verifications read the database's clock more often, but a process may have neither of them.
  const clock: Job = { name: 'clock', run: () => readClock(db.pool, clockGuard) }
  opened.defer(startScheduler([...jobs, clock], config.scheduleInterval * 1000, log))
  const all = opened.move()
  return {
    ports: listeners.ports,
    async stop() {
      readiness.drain()
      listeners.drain()
      await delay(config.drainDelayMs)
      await listeners.close()
      // Do not wait longer, because a connection whose other side is silent may never close.
      await Promise.race([all.disposeAsync(), delay(DISPOSAL_MS, undefined, { ref: false })])
    },
  }
}
