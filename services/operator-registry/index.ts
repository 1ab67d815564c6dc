import { randomInt } from 'node:crypto'
import type { OperatorDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { OperatorRegistryService } from '../../gen/proto/auth4agent/v1/operator_registry_pb.ts'
import type { ServiceModule } from '../chain/rpc.ts'
import type { Db } from '../platform/db/db.ts'
import { createGate } from '../platform/limits/gate.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { Context } from './context.ts'
import { createDirectory } from './directory.ts'
import { lookInterval } from './domain/takeover-looks.ts'
import { policies } from './policy.ts'
import { createRoutes } from './routes.ts'
import { runLooks, runSchedule } from './schedule.ts'

export type { RegistrySettings } from './context.ts'
export { createTxtResolvers } from './dns/resolve-txt.ts'

interface OperatorRegistryOptions extends Omit<Context, 'prisma' | 'reads' | 'random' | 'lookUpGate'> {
  readonly db: Db
  /** For what operators read. */
  readonly readDb: Db
}

/** The service as the composition root mounts it. */
export interface OperatorRegistry {
  readonly module: ServiceModule<typeof OperatorRegistryService>
  readonly directory: InternalHandlers<typeof OperatorDirectoryService>
  /** One pass of scheduled proofs and expiries. Rejects when the database is away. */
  runSchedule(): Promise<void>
  /** One pass of the looks at domains that newcomers wait for. Rejects when the database is away. */
  runLooks(): Promise<void>
  /** Both, for the scheduler; looks are made more often where the takeover delay is short. */
  jobs(scheduleIntervalMs: number): readonly Job[]
}

/** Anybody may have a domain looked at, and silent DNS takes seconds: this many at once, in all and for one domain. */
const LOOK_UPS = { total: 64, perKey: 4 }

const RANDOM_STEPS = 2 ** 48 - 1

/** Uniform in [0, 1), by the system's generator. */
function unforeseen(): number {
  return randomInt(RANDOM_STEPS) / RANDOM_STEPS
}

/** Puts the operator registry together. */
export function createOperatorRegistry({ db, readDb, ...options }: OperatorRegistryOptions): OperatorRegistry {
  const context: Context = {
    ...options,
    prisma: db.prisma,
    reads: readDb.prisma,
    random: unforeseen,
    lookUpGate: createGate(LOOK_UPS),
  }
  const jobs = { runSchedule: () => runSchedule(context), runLooks: () => runLooks(context) }
  return {
    module: { service: OperatorRegistryService, handlers: createRoutes(context), policies },
    directory: createDirectory(context),
    ...jobs,
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
