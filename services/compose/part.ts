import type { Deployment } from '../../gen/prisma/client.ts'
import type {
  AgentDirectoryService,
  KeyHistoryService,
  OperatorDirectoryService,
} from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { Route } from '../calls/rpc.ts'
import type { Config } from '../configuration/config.ts'
import type { Secrets } from '../configuration/secrets.ts'
import type { InternalService } from '../internal-port/handlers.ts'
import type { Database } from '../platform/db/database.ts'
import type { Db } from '../platform/db/db.ts'
import type { Durability } from '../platform/db/durability.ts'
import type { PassedTime } from '../platform/db/passed-time.ts'
import type { Logger } from '../platform/log/log.ts'
import type { Metrics } from '../platform/metrics/metrics.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { Job } from '../platform/schedule/scheduler.ts'
import type { Tracing } from '../platform/trace/tracing.ts'
import type { Revocations } from '../revocation/index.ts'
import type { Remotes } from './connect-remotes.ts'

/** Options of createServices. */
export interface ServiceDeps {
  readonly config: Config
  readonly secrets: Secrets
  readonly database: Database
  readonly durability: Durability
  readonly deployment: Deployment
  readonly db: Db
  /** Connections for reads by operators. */
  readonly readDb: Db
  readonly log: Logger
  readonly remotes: Remotes
  readonly revocations: Revocations
  readonly passedTime: PassedTime
  /** Undefined while tracing is off. */
  readonly tracing: Tracing | undefined
  readonly metrics: Pick<
    Metrics,
    | 'endpointAudience'
    | 'outbound'
    | 'keyEvents'
    | 'push'
    | 'showFrozenOperators'
    | 'countAppraisal'
    | 'countCheck'
    | 'countProviderCheck'
    | 'statusLists'
    | 'partitions'
  >
}

/** One service of this process: its public routes, internal services and scheduled jobs. */
export interface Part {
  readonly routes: readonly Route[]
  readonly internal: readonly InternalService[]
  readonly jobs: readonly Job[]
  /** Called after the last request. */
  close?(): Promise<void>
}

/** A client of the directory of operators, local or remote. */
export type Operators = InternalClient<typeof OperatorDirectoryService>
/** A client of the directory of agents, local or remote. */
export type Agents = InternalClient<typeof AgentDirectoryService>
/** A client of the histories of operators' keys, local or remote. */
export type Histories = InternalClient<typeof KeyHistoryService>
