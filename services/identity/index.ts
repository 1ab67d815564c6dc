import type { AgentDirectoryService, KeyHistoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { AgentKeyService } from '../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import { AgentMoveService } from '../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { ServiceModule } from '../calls/rpc.ts'
import { systemAuthor } from '../ledger/ledger.ts'
import type { Logger } from '../platform/log/log.ts'
import type { KeyEventMetrics } from '../platform/metrics/key-event-metrics.ts'
import type { InternalClient } from '../platform/rpc/internal-client.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import { createDirectory } from './directory.ts'
import { applyDueRecovery, findDueRecoveries } from './key-events/due-recoveries.ts'
import { keyPolicies } from './key-events/policy.ts'
import { createKeyRoutes } from './key-events/routes.ts'
import { countWaiting } from './key-events/waiting-events.ts'
import { movePolicies } from './moves/policy.ts'
import { createMoveRoutes } from './moves/routes.ts'
import { policies } from './policy.ts'
import { createRoutes, type IdentityDeps, signingClock } from './routes.ts'
import { expirePending } from './store.ts'

/** The identity part of the server: its RPC services, its directory for other parts, and its scheduled work. */
export interface Identity {
  readonly module: ServiceModule<typeof IdentityService>
  readonly keys: ServiceModule<typeof AgentKeyService>
  readonly moves: ServiceModule<typeof AgentMoveService>
  readonly directory: InternalHandlers<typeof AgentDirectoryService>
  /**
   * Removes expired pending agents, and lets due recoveries take effect. Several processes may call this function at
   * the same time.
   */
  runSchedule(): Promise<void>
}

/** Options of createIdentity. */
export interface IdentityOptions extends IdentityDeps {
  readonly log: Logger
  readonly metrics: KeyEventMetrics
  /** The issuer of this server. */
  readonly issuer: string
  readonly histories: InternalClient<typeof KeyHistoryService>
  /** Counts a key event of an agent of an operator. Throws RATE_LIMITED if its agents have signed too many. */
  readonly limitEvents: (operatorId: string) => void
}

/** Creates the identity part of the server, which manages agents, their keys, grants and life cycle. */
export function createIdentity(options: IdentityOptions): Identity {
  const { db, readDb, now, operators, settings, log, metrics, issuer, histories } = options
  const { recoveryDelayMs, moveDelayMs } = settings
  const clock = (at: Date) => signingClock(settings, at.getTime())
  const countEvent = metrics.accepted
  const delays = { recoveryDelayMs, moveDelayMs }
  const { limitEvents } = options
  const eventDeps = { db, readDb, operators, now, clock, issuer, ...delays, log, countEvent, limitEvents }
  const moveRoutes = createMoveRoutes({ ...eventDeps, histories })
  return {
    module: { service: IdentityService, handlers: createRoutes(options), policies },
    keys: { service: AgentKeyService, handlers: createKeyRoutes(eventDeps), policies: keyPolicies },
    moves: { service: AgentMoveService, handlers: moveRoutes, policies: movePolicies },
    directory: createDirectory(options),
    async runSchedule() {
      const author = systemAuthor('identity')
      while (await expirePending(db.prisma, author, new Date(now())));
      await recoverDue(options)
      metrics.waiting(await countWaiting(db.prisma, new Date(now())))
    },
  }
}

const RECOVERY_BATCH = 100

/**
 * Lets due recoveries take effect, at most 100 in one run. One that fails does not stop the others; the next run tries
 * it again.
 */
async function recoverDue({ db, now, log, metrics }: IdentityOptions): Promise<void> {
  const at = new Date(now())
  for (const due of await findDueRecoveries(db.prisma, at, RECOVERY_BATCH)) {
    try {
      if (await applyDueRecovery(db.prisma, systemAuthor('recovery'), due, at)) metrics.accepted('recover')
    } catch (error) {
      log.error({ agentId: due.agentId, error }, 'a due recovery could not take effect')
    }
  }
}
