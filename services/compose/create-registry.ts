import { KeyHistoryService, OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { routesOf } from '../calls/rpc.ts'
import { createDeployment } from '../deployment/index.ts'
import { createOperatorRegistry, lookUpPoolOptions } from '../operator-registry/index.ts'
import { openPool } from '../platform/db/db.ts'
import { MIGRATIONS } from '../platform/db/migration-files.ts'
import { createTxtResolvers } from '../platform/dns/resolve-txt.ts'
import { localClient } from '../platform/rpc/local-client.ts'
import type { Histories, Operators, Part, ServiceDeps } from './part.ts'

/** How many registrations may wait for their proof. */
const MAX_PENDING = { operators: 100_000, operatorsPerDomain: 16 } as const

/** The operator registry, and the clients with which services of this process call it. */
type Registry = Part & { readonly operators: Operators; readonly histories: Histories }

/** Creates the operator registry. */
export function makeRegistry({ config, database, db, readDb, log, metrics }: ServiceDeps): Registry {
  const lookUpPool = openPool({ ...database, ...lookUpPoolOptions, log })
  const registry = createOperatorRegistry({
    db,
    readDb,
    lookUpPool,
    now: Date.now,
    log,
    issuer: config.issuer,
    testDomains: config.testDomains,
    resolveTxt: createTxtResolvers({ servers: config.dnsServers, timeoutMs: config.dnsTimeoutMs }),
    settings: {
      pendingTtlMs: config.pendingTtl * 1000,
      takeoverDelayMs: config.takeoverDelay * 1000,
      reverifyIntervalMs: config.proofInterval * 1000,
      reverifyFailures: config.proofFailures,
      maxPendingPerDomain: MAX_PENDING.operatorsPerDomain,
      maxPending: MAX_PENDING.operators,
    },
  })
  metrics.showFrozenOperators(() => registry.frozenOperators())
  return {
    operators: localClient(OperatorDirectoryService, registry.directory),
    histories: localClient(KeyHistoryService, registry.keyHistory),
    routes: [
      ...routesOf(registry.module),
      ...routesOf(registry.keys),
      ...routesOf(createDeployment({ db, migrationsDir: MIGRATIONS })),
    ],
    internal: [
      { service: OperatorDirectoryService, handlers: registry.directory },
      { service: KeyHistoryService, handlers: registry.keyHistory },
    ],
    jobs: registry.jobs(config.scheduleInterval * 1000),
    close: () => lookUpPool.end(),
  }
}
