import { randomInt } from 'node:crypto'
import type {
  KeyHistoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { OperatorKeyService } from '../../gen/proto/auth4agent/v1/operator_keys_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { ServiceModule } from '../chain/rpc.ts'
import type { Db } from '../platform/db/db.ts'
import { createGate } from '../platform/limits/gate.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { Context } from './context.ts'
import { createDirectory } from './directory.ts'
import { lookInterval } from './domain/takeover-looks.ts'
import { createKeyRoutes } from './key-routes.ts'
import { keyPolicies, policies } from './policy.ts'
import { createRoutes } from './routes.ts'
import { runLooks, runSchedule } from './schedule.ts'
import { createKeyHistory } from './store/key-history.ts'
import { countFrozen } from './store/standing.ts'

export type { RegistrySettings } from './context.ts'
export { admitCaller } from './domain/admit-caller.ts'
export { OWNER_STATUSES } from './domain/decide-confirm.ts'
export { hasMalformedLabel, isTestDomain, parseDomain } from './domain/parse-domain.ts'

interface OperatorRegistryOptions extends Omit<Context, 'prisma' | 'reads' | 'random' | 'lookUpGate'> {
  readonly db: Db
  /** Connections for the lists and policies that operators read. */
  readonly readDb: Db
}

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
 * Maximum number of simultaneous DNS look-ups, in total and for one domain. The limit is needed because any caller can
 * cause a look-up, and a look-up at a silent DNS server takes seconds.
 */
const LOOK_UPS = { total: 64, perKey: 4 }

const RANDOM_STEPS = 2 ** 48 - 1

/** Returns an unpredictable number, uniform in [0, 1), from the system's random generator. */
function unforeseen(): number {
  return randomInt(RANDOM_STEPS) / RANDOM_STEPS
}

/** Creates the operator registry. */
export function createOperatorRegistry({ db, readDb, ...options }: OperatorRegistryOptions): OperatorRegistry {
  const context: Context = {
    ...options,
    prisma: db.prisma,
    reads: readDb.prisma,
    random: unforeseen,
    lookUpGate: createGate(LOOK_UPS),
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
    directory: createDirectory(db, options.issuer),
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
