import type { Deployment } from '../../gen/prisma/client.ts'
import type { Config } from '../configuration/config.ts'
import type { ServiceName } from '../configuration/service-names.ts'
import { type Bus, noBus } from '../platform/bus/bus.ts'
import { parseNatsUrl } from '../platform/bus/nats-url.ts'
import { sealBus } from '../platform/bus/sealed-bus.ts'
import { importHmacKey } from '../platform/crypto/hmac.ts'
import type { ClockGuard } from '../platform/db/clock-guard.ts'
import type { Database } from '../platform/db/database.ts'
import { type Db, openPool } from '../platform/db/db.ts'
import type { Durability } from '../platform/db/durability.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import { connectRevocations, type Revocations, systemClock } from '../revocation/index.ts'

/** Options of openRevocations. */
interface RevocationsDeps {
  readonly database: Database
  readonly db: Db
  readonly deployment: Deployment
  readonly clockGuard: ClockGuard
  readonly durability: Durability
  readonly log: Logger
  readonly metrics: Metrics
  readonly tracing: Tracing | undefined
}

/** Interval of pings to NATS, in milliseconds. */
const NATS_PING_MS = 5_000
/** Number of connections that serve only leases and waits, because these must not queue behind calls. */
const POOL_SIZE = 4

/** The revocation log and the bus that speeds it up. */
export interface OpenRevocations extends Revocations {
  /** Returns whether NATS is connected. Undefined without NATS. */
  readonly isBusConnected: (() => boolean) | undefined
}

/** Connects this process to the revocation log and to the bus. */
export async function openRevocations(config: Config, deps: RevocationsDeps): Promise<OpenRevocations> {
  const { database, db, deployment, clockGuard, durability, log, metrics, tracing } = deps
  const bus = await openBus(config, deployment, log, metrics)
  const pool = openPool({ ...database, poolSize: POOL_SIZE, log })
  const runs = (...names: readonly ServiceName[]) => names.some((name) => config.services.includes(name))
  const revocations = connectRevocations({
    pool,
    checkPool: db.pool,
    database,
    bus,
    leaseMs: config.revocationLeaseMs,
    verifies: runs('authn'),
    isWatched: runs('revocation'),
    endsTokens: runs('operator-registry', 'identity', 'authn', 'revocation'),
    clock: systemClock,
    durability,
    clockGuard,
    log,
    metrics: metrics.revocation,
    tracing,
  })
  return {
    ...revocations,
    // A spread would copy only its value of now.
    get hasBegun() {
      return revocations.hasBegun
    },
    isBusConnected: bus === noBus ? undefined : () => bus.isConnected,
    async stop() {
      await revocations.stop()
      await Promise.all([bus.close(), pool.end()])
    },
  }
}

/** Opens the bus. Loads the NATS client only if NATS is configured. */
async function openBus(config: Config, { busKey }: Deployment, log: Logger, { revocation }: Metrics): Promise<Bus> {
  const servers = config.natsUrl.map(parseNatsUrl).filter((server) => server !== undefined)
  if (servers.length === 0) return noBus
  const { createNatsBus } = await import('../platform/bus/nats-bus.ts')
  const { natsTlsCaFile: caFile, natsTlsCertFile: certFile, natsTlsKeyFile: keyFile } = config
  const files = { caFile, certFile, keyFile }
  const count = (event: string) => event === 'forged' && revocation.rejected()
  const bus = createNatsBus({
    servers,
    issuer: config.issuer,
    name: `auth4agent ${config.services.join(' ')}`,
    credsFile: config.natsCredsFile,
    tls: caFile === undefined && certFile === undefined ? undefined : files,
    pingIntervalMs: NATS_PING_MS,
    count,
    log,
  })
  return sealBus({ bus, key: importHmacKey(busKey), count })
}
