import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { callLevels } from '../calls/observation.ts'
import { createRpc } from '../calls/pipeline.ts'
import { createRefusalBound } from '../calls/refusal-bound.ts'
import type { Config } from '../configuration/config.ts'
import type { Secrets } from '../configuration/secrets.ts'
import type { Certificates } from '../internal-port/certificates.ts'
import { MIB } from '../ledger/storage-bound.ts'
import { startReadiness } from '../operations/readiness.ts'
import { claimIssuer } from '../platform/db/claim-issuer.ts'
import { createClockGuard, readClock } from '../platform/db/clock-guard.ts'
import type { Database } from '../platform/db/database.ts'
import { openDb } from '../platform/db/db.ts'
import { openDurability } from '../platform/db/durability.ts'
import { keepListed } from '../platform/db/keep-listed.ts'
import { applyMigrations } from '../platform/db/migrate.ts'
import { MIGRATIONS } from '../platform/db/migration-files.ts'
import { demandOwnSessions } from '../platform/db/own-sessions.ts'
import { createPassedTime } from '../platform/db/passed-time.ts'
import { finderOf } from '../platform/db/primary-finder.ts'
import { newProcess, type ProcessEntry, sessionNameOf } from '../platform/db/processes.ts'
import { withDatabase } from '../platform/db/wait-for-database.ts'
import type { StartupError } from '../platform/errors/startup-error.ts'
import { createLimiter } from '../platform/limits/limits.ts'
import { scaleRates, scaleWorkRates } from '../platform/limits/rates.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Exposition } from '../platform/metrics/exposition.ts'
import { createMetrics, type Metrics } from '../platform/metrics/metrics.ts'
import { type Job, startScheduler } from '../platform/schedule/scheduler.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import { systemClock } from '../revocation/index.ts'
import { connectRemotes, openInternalTls } from './connect-remotes.ts'
import { createServices } from './create-services.ts'
import { loadTls, type Tls } from './http-port-config.ts'
import { lanePlaces, READ_POOL_SIZE } from './lane-places.ts'
import type { Ports } from './listener.ts'
import { openRevocations } from './open-revocations.ts'
import { openTracing } from './open-tracing.ts'
import { startListeners } from './start-listeners.ts'
import { createWaitingPort, type WaitingPort } from './waiting-port.ts'

/** A running server process. */
export interface Server {
  readonly ports: Ports
  /**
   * Stops the process cleanly. It reports that it is not ready, waits for the drain delay so that callers can notice
   * that, finishes the requests in flight, and closes listeners and connections.
   */
  stop(): Promise<void>
  /** Rejects with StartupError when the process can no longer use the database. It should be stopped then. */
  readonly outdated: Promise<never>
}

const { version: VERSION }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)

/** How long connections may take to close, in milliseconds. */
const DISPOSAL_MS = 5_000

/** Options of startServer. */
export interface ServerDeps {
  readonly config: Config
  readonly secrets: Secrets
  readonly databaseUrl: string
  readonly log: Logger
  /** Aborts when the process must stop, which ends the wait for the database. */
  readonly stopping: AbortSignal
  /** Returns the answer of /metrics. Default: the metrics of this process alone. */
  readonly expose?: (metrics: Metrics) => Exposition
}

/** Everything that a start needs and that stays the same when the start begins again. */
interface Attempt extends ServerDeps {
  readonly database: Database
  readonly process: ProcessEntry
  readonly onOutdated: (error: StartupError) => void
  readonly tls: Tls
  readonly certificates: Certificates | undefined
  readonly waiting: WaitingPort
  readonly tracing: Tracing | undefined
}

function databaseOf({ config, databaseUrl: url, log }: ServerDeps, process: ProcessEntry): Database {
  return { url, answerMs: config.dbTimeoutMs, finder: finderOf({ url, log }), sessionName: sessionNameOf(process) }
}

/**
 * Starts a server process. Waits for the database, and begins again when the database is lost on the way.
 * @throws every error that waiting cannot mend, and the reason of `stopping` when it aborts before the server listens
 */
export async function startServer(deps: ServerDeps): Promise<Server> {
  const { config, log, stopping } = deps
  const tls = await loadTls(config)
  await using opened = new AsyncDisposableStack()
  const certificates = await openInternalTls(config, log)
  opened.defer(() => certificates?.close())
  const tracing = await openTracing(config, log)
  opened.defer(() => tracing?.stop())
  const waiting = createWaitingPort(config, tls, log)
  opened.defer(() => waiting.close())
  const process = newProcess(VERSION, config.services)
  const database = databaseOf(deps, process)
  const name = config.databaseUrl === undefined ? 'the embedded PostgreSQL' : 'DATABASE_URL'
  const wait = {
    ...database,
    name,
    log,
    signal: stopping,
    onWaiting: () => waiting.open(),
  }
  const outdated = Promise.withResolvers<never>()
  // It may reject before anybody awaits it.
  outdated.promise.catch(() => undefined)
  const attempt = { ...deps, database, process, onOutdated: outdated.reject, tls, certificates, waiting, tracing }
  const server = await withDatabase(wait, () => attemptStart(attempt))
  const all = opened.move()
  return {
    ports: server.ports,
    outdated: outdated.promise,
    async stop() {
      await server.stop()
      await all.disposeAsync()
    },
  }
}

/**
 * Creates the services of a process, connects them to the database and to other processes, and starts to listen. When
 * it fails, it leaves nothing open, so that it can be repeated.
 */
async function attemptStart(deps: Attempt): Promise<Omit<Server, 'outdated'>> {
  const { config, secrets, log, database, process, onOutdated, tls, certificates, waiting, tracing } = deps
  const { expose = ({ exposition }: Metrics) => exposition } = deps
  if (config.databaseUrl !== undefined) await demandOwnSessions(database, log)
  await using opened = new AsyncDisposableStack()
  const db = openDb({ ...database, poolSize: config.dbPoolSize, log })
  opened.defer(() => db.close())
  const durability = await openDurability(db.pool, config.durability, log)
  const migrate = () => applyMigrations({ ...database, migrationsDir: MIGRATIONS, log, process })
  await migrate()
  opened.defer(keepListed({ pool: db.pool, process, migrate, onOutdated, log }))
  const readDb = openDb({ ...database, poolSize: READ_POOL_SIZE, log })
  opened.defer(() => readDb.close())
  const deployment = await claimIssuer(db.prisma, config.issuer, config.maxAgents)
  const clockGuard = createClockGuard({ clocks: systemClock, toleranceMs: config.clockSkew * 1000, log })
  await readClock(db.pool, clockGuard)
  const metrics = createMetrics(db.pool)
  const remotes = connectRemotes(config, certificates)
  opened.defer(() => remotes.close())
  const revocations = await openRevocations(config, {
    database,
    db,
    deployment,
    clockGuard,
    durability,
    log,
    metrics,
    tracing,
  })
  opened.defer(() => revocations.stop())
  const passedTime = createPassedTime(db.pool, systemClock, log)
  const services = await createServices({
    config,
    secrets,
    database,
    durability,
    deployment,
    db,
    readDb,
    log,
    remotes,
    revocations,
    passedTime,
    metrics,
    tracing,
  })
  opened.defer(() => services.close())
  const { operators, routes, internal, jobs, watchers, signingKeyFacts, issuerFacts, anchorFacts } = services
  const { verifyAccess, isFreshNonce } = services
  metrics.revocation.show({ ...revocations, watchers, clockGuard, durability })
  if (tracing !== undefined) metrics.showSpans(tracing.counts)
  if (issuerFacts !== undefined) metrics.showIssuers(issuerFacts)
  if (anchorFacts !== undefined) metrics.showAnchors(anchorFacts)
  if (signingKeyFacts !== undefined) metrics.showSigningKeys(signingKeyFacts)
  const factor = config.rateFactorPercent / 100
  const rpc = createRpc(routes, remotes.forwards, {
    operators,
    adminKey: secrets.adminKey,
    verifyAccess,
    isFreshNonce,
    issuer: config.issuer,
    prisma: db.prisma,
    log,
    callLevel: callLevels[config.logFormat],
    metrics,
    limiter: createLimiter(() => performance.now()),
    rates: scaleRates(factor),
    maxConcurrency: config.maxConcurrency,
    lanePlaces: lanePlaces(config.dbPoolSize),
    deadlineMs: config.requestTimeoutMs,
    settle: (span) => revocations.settle(span),
    confirm: () => durability.confirm(),
    now: Date.now,
    skewS: config.clockSkew,
    operatorBytesPerDay: config.operatorDailyMib * MIB,
    mayRecordRefusal: createRefusalBound(scaleWorkRates(factor).refusals, metrics.leftOutRefusal),
    clockProblem: () => clockGuard.problem(),
  })
  const readiness = await startReadiness({
    askDatabase: () => Promise.all([readClock(db.pool, clockGuard), durability.look()]),
    clockProblem: () => clockGuard.problem(),
    missingServices: () => remotes.missing(),
    followsLog: () => revocations.hasBegun,
  })
  opened.defer(() => readiness.stop())
  await waiting.close()
  const listeners = await startListeners({
    config,
    tls,
    log,
    metrics,
    exposition: expose(metrics),
    rpc,
    tracing,
    internal,
    certificates,
    ready: () => readiness.missing(),
    durability: () => durability.facts,
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
