import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  AgentDirectoryService,
  OperatorDirectoryService,
  TokenStatusService,
} from '../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { createAuthn } from './authn/index.ts'
import { createIdentity, didResolution } from './identity/index.ts'
import { createGateway } from './jwks-gateway/index.ts'
import { createOperatorRegistry, createTxtResolvers } from './operator-registry/index.ts'
import { createRevocation } from './revocation/index.ts'
import type { Config } from './shared/config/config.ts'
import type { Secrets } from './shared/config/secrets.ts'
import { claimIssuer } from './shared/db/claim-issuer.ts'
import { type Db, openDb } from './shared/db/db.ts'
import { applyMigrations } from './shared/db/migrate.ts'
import { pruneAssertions } from './shared/ledger/ledger.ts'
import { createLimiter } from './shared/limits/limits.ts'
import { scaleRates } from './shared/limits/rates.ts'
import type { Logger } from './shared/log/log.ts'
import { createMetrics } from './shared/metrics/metrics.ts'
import { MAX_ASSERTION_LIFETIME_S } from './shared/rpc/assertion.ts'
import { createRpc } from './shared/rpc/chain.ts'
import { createGrpcServer } from './shared/rpc/grpc-server.ts'
import { localClient } from './shared/rpc/local-client.ts'
import { routesOf } from './shared/rpc/rpc.ts'
import { type Job, startScheduler } from './shared/schedule/scheduler.ts'
import { createVerificationKeys } from './shared/token/verification-keys.ts'

/** A server that listens. */
export interface Server {
  readonly httpPort: number
  readonly grpcPort: number
  /** Finishes what is under way, then closes listeners and the database's connections. */
  stop(): Promise<void>
}

const MIGRATIONS = fileURLToPath(new URL('../prisma/migrations', import.meta.url))
/** How long a redeemed challenge is remembered after it has expired, in seconds. */
const KEEP_REDEMPTION_S = 600
const JWKS_MAX_AGE_S = 300
const MIN_TOKEN_TTL_S = 30
const CHALLENGE_TTL_S = { min: 30, max: 600 } as const
const MAX_PENDING = { operators: 100_000, operatorsPerDomain: 16, agentsPerOperator: 1000 } as const
const BODY_LIMIT = 64 * 1024
/** gRPC streams beside those of calls: health's Watch and reflection. */
const LASTING_STREAMS = 200

/** Puts the whole server together over a database and makes it listen. */
export async function startServer(config: Config, secrets: Secrets, databaseUrl: string, log: Logger): Promise<Server> {
  await applyMigrations({ url: databaseUrl, migrationsDir: MIGRATIONS, log })
  const db = openDb({ url: databaseUrl, poolSize: config.dbPoolSize, log })
  try {
    await claimIssuer(db.prisma, config.issuer)
    return await serve(config, secrets, db, log)
  } catch (error) {
    await db.close()
    throw error
  }
}

async function serve(config: Config, secrets: Secrets, db: Db, log: Logger): Promise<Server> {
  const { modules, operators, jobs } = await createServices(config, secrets, db, log)
  const metrics = createMetrics(db.pool)
  const rpc = createRpc(modules, {
    operators,
    adminKey: secrets.adminKey,
    issuer: config.issuer,
    prisma: db.prisma,
    log,
    metrics,
    limiter: createLimiter(() => performance.now()),
    rates: scaleRates(config.rateFactorPercent / 100),
    maxConcurrency: config.maxConcurrency,
    deadlineMs: config.requestTimeoutMs,
    now: Date.now,
    skewS: config.clockSkew,
  })
  const tls = await loadTls(config)
  const gateway = createGateway({
    rpc,
    log,
    metrics: metrics.exposition,
    ready: () => findMissing(db),
    representations: didResolution,
    config: {
      baseUrl: config.issuer,
      host: config.host,
      port: config.port,
      trustedProxies: config.trustedProxies,
      requestTimeoutMs: config.requestTimeoutMs,
      bodyLimit: BODY_LIMIT,
      protocol: {
        challengeTtlS: { default: config.challengeTtl, ...CHALLENGE_TTL_S },
        tokenTtlS: { default: config.tokenTtl, min: MIN_TOKEN_TTL_S, max: config.maxTokenTtl },
        clockSkewS: config.clockSkew,
        assertionTtlMaxS: MAX_ASSERTION_LIFETIME_S,
      },
      ...tls,
    },
  })
  const { host, trustedProxies, requestTimeoutMs } = config
  const maxStreams = 2 * config.maxConcurrency + LASTING_STREAMS
  const grpc = createGrpcServer({
    rpc,
    host,
    port: config.grpcPort,
    trustedProxies,
    requestTimeoutMs,
    maxStreams,
    log,
    ...tls,
  })
  const { port: httpPort } = await gateway.listen()
  const { port: grpcPort } = await grpc.listen()
  grpc.setServing(true)
  const stopScheduler = startScheduler(jobs, config.scheduleInterval * 1000, log)
  return {
    httpPort,
    grpcPort,
    async stop() {
      grpc.setServing(false)
      await Promise.all([gateway.close(), grpc.close(), stopScheduler()])
      await db.close()
    },
  }
}

async function createServices(config: Config, { kek }: Secrets, db: Db, log: Logger) {
  const { issuer } = config
  const now = Date.now
  const pendingTtlMs = config.pendingTtl * 1000
  const registry = createOperatorRegistry({
    db,
    now,
    log,
    issuer,
    testDomains: config.testDomains,
    resolveTxt: createTxtResolvers({ servers: config.dnsServers, timeoutMs: config.dnsTimeoutMs }),
    settings: {
      pendingTtlMs,
      takeoverDelayMs: config.takeoverDelay * 1000,
      reverifyIntervalMs: config.proofInterval * 1000,
      reverifyFailures: config.proofFailures,
      maxPendingPerDomain: MAX_PENDING.operatorsPerDomain,
      maxPending: MAX_PENDING.operators,
    },
  })
  const operators = localClient(OperatorDirectoryService, registry.directory)
  const settings = { pendingTtlMs, maxPendingPerOperator: MAX_PENDING.agentsPerOperator }
  const identity = createIdentity({ db, now, operators, settings })
  const verificationKeys = createVerificationKeys(db.prisma, () => performance.now())
  const revocation = createRevocation({ db, issuer, verificationKeys })
  const authn = await createAuthn({
    db,
    now,
    issuer,
    kek,
    operators,
    agents: localClient(AgentDirectoryService, identity.directory),
    tokenStatus: localClient(TokenStatusService, revocation.status),
    verificationKeys,
    settings: {
      challengeTtlS: config.challengeTtl,
      defaultTtlS: config.tokenTtl,
      ttlS: { min: MIN_TOKEN_TTL_S, max: config.maxTokenTtl },
      skewS: config.clockSkew,
      keepRedemptionS: KEEP_REDEMPTION_S,
      jwksMaxAgeS: JWKS_MAX_AGE_S,
    },
  })
  const jobs: Job[] = [
    { name: 'operator-registry', run: () => registry.runSchedule() },
    { name: 'identity', run: () => identity.runSchedule() },
    { name: 'authn', run: () => authn.runSchedule() },
    { name: 'revocation', run: () => revocation.runSchedule() },
    { name: 'ledger', run: () => pruneAssertions(db) },
  ]
  const modules = [
    ...routesOf(registry.module),
    ...routesOf(identity.module),
    ...routesOf(authn.authn),
    ...routesOf(authn.keys),
    ...routesOf(revocation.module),
  ]
  return { modules, operators, jobs }
}

/** What keeps the server from doing its work; its keys are loaded before it listens. */
async function findMissing(db: Db): Promise<readonly string[]> {
  try {
    await db.pool.query('SELECT 1')
    return []
  } catch {
    return ['database']
  }
}

async function loadTls({ tlsCertFile, tlsKeyFile }: Config) {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return {}
  const [cert, key] = await Promise.all([readFile(tlsCertFile), readFile(tlsKeyFile)])
  return { tls: { cert, key } }
}
