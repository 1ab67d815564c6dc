import { randomInt } from 'node:crypto'
import type pg from 'pg'
import type {
  KeyHistoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import type { Db } from '../platform/db/db.ts'
import { createFairPlaces, type FairRules } from '../platform/limits/fair-places.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { Context } from './context.ts'
import { createDirectory } from './directory.ts'
import { lookInterval } from './domain/takeover-looks.ts'
import { createKeyRoutes } from './key-routes.ts'
import { keyPolicies, policies } from './policy.ts'
import { createRoutes } from './routes.ts'
import { runLooks, runSchedule } from './schedule.ts'
import { LOOK_UP_SESSION } from './store/directory.ts'
import { createKeyHistory } from './store/key-history.ts'
import { countFrozen } from './store/standing.ts'

export type { RegistrySettings } from './context.ts'
export { admitCaller } from './domain/admit-caller.ts'
export { OWNER_STATUSES } from './domain/decide-confirm.ts'
export { listParentDomains } from './domain/list-parent-domains.ts'
export { hasMalformedLabel, isTestDomain, parseDomain } from './domain/parse-domain.ts'
export type { UserAccess, UserScope } from './domain/user-access.ts'
export { selectOwner } from './store/directory.ts'
export { fromStoredUsers } from './store/stored-users.ts'

interface OperatorRegistryOptions extends Omit<Context, 'prisma' | 'reads' | 'random' | 'lookUpPlaces'> {
  readonly db: Db
  /** Connections for the lists and policies that operators read. */
  readonly readDb: Db
  /** Connections that look up the owners of audiences, made with lookUpPoolOptions. */
  readonly lookUpPool: pg.Pool
}

/** Options of the connection pool for look-ups: number of connections and settings of their sessions. */
export const lookUpPoolOptions = { poolSize: 4, settings: LOOK_UP_SESSION }

/** The operator registry: its RPC service, its directory for other parts of the server, and its jobs. */
export interface OperatorRegistry {
  readonly module: ServiceModule<typeof OperatorRegistryService>
  readonly keys: ServiceModule<typeof OperatorKeyService>
  readonly directory: InternalHandlers<typeof OperatorDirectoryService>
  readonly keyHistory: InternalHandlers<typeof KeyHistoryService>
  /** Looks up the proofs that are due and removes expired registrations. Rejects when the database is unreachable. */
  runSchedule(): Promise<void>
  /** Makes the DNS looks that are due for waiting takeovers. Rejects when the database is unreachable. */
  runLooks(): Promise<void>
  /** Returns the number of frozen operators at the last run of the schedule. */
  frozenOperators(): number
  /** Returns runSchedule and runLooks as jobs for the scheduler. A short takeover delay makes looks more frequent. */
  jobs(scheduleIntervalMs: number): readonly Job[]
}

/**
 * How DNS look-ups are shared. Anybody can cause one, and a look-up at a silent DNS server takes seconds. So a look-up
 * holds a place for half a second only, in which DNS usually answers: 200 sources that ask for names that never answer
 * leave the next place free within a second. Look-ups that take longer go on together, until too many do.
 */
export const LOOK_UPS: FairRules = { places: 128, waitMs: 3_000, waiting: 2_048, lateMs: 500, late: 128 }

const RANDOM_STEPS = 2 ** 48 - 1

/** Returns an unpredictable number, uniform in [0, 1), from the system's random generator. */
function unforeseen(): number {
  return randomInt(RANDOM_STEPS) / RANDOM_STEPS
}

/** Creates the operator registry. */
export function createOperatorRegistry({
  db,
  readDb,
  lookUpPool,
  ...options
}: OperatorRegistryOptions): OperatorRegistry {
  const context: Context = {
    ...options,
    prisma: db.prisma,
    reads: readDb.prisma,
    random: unforeseen,
    lookUpPlaces: createFairPlaces(LOOK_UPS),
  }
  let frozen = 0
  const jobs = {
    runSchedule: async () => {
      await runSchedule(context)
      frozen = await countFrozen(context)
    },
    runLooks: () => runLooks(context),
  }
  return {
    module: { service: OperatorRegistryService, handlers: createRoutes(context), policies },
    keys: { service: OperatorKeyService, handlers: createKeyRoutes(context), policies: keyPolicies },
    directory: createDirectory({ prisma: db.prisma, lookUpPool }, options.issuer),
    keyHistory: createKeyHistory(db.prisma),
    ...jobs,
    frozenOperators: () => frozen,
    jobs: (scheduleIntervalMs) => [
      { name: 'operator-registry', run: jobs.runSchedule },
      {
        name: 'takeover-looks',
        run: jobs.runLooks,
        intervalMs: lookInterval(options.settings.takeoverDelayMs, scheduleIntervalMs),
      },
    ],
  }
}
