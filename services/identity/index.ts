import type { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { InternalHandlers } from '../shared/rpc/local-client.ts'
import type { ServiceModule } from '../shared/rpc/rpc.ts'
import { createDirectory } from './directory.ts'
import { policies } from './policy.ts'
import { createRoutes, type IdentityDependencies } from './routes.ts'
import { expirePending } from './store.ts'

/** The identity service. `runSchedule` does what is due now, on any number of instances at once. */
export interface Identity {
  readonly module: ServiceModule<typeof IdentityService>
  readonly directory: InternalHandlers<typeof AgentDirectoryService>
  runSchedule(): Promise<void>
}

/** Puts the service together: agents, their keys, grants and life cycle. */
export function createIdentity(deps: IdentityDependencies): Identity {
  const scheduler = { principal: { kind: 'system' }, requestId: 'schedule' } as const
  return {
    module: { service: IdentityService, handlers: createRoutes(deps), policies },
    directory: createDirectory(deps),
    async runSchedule() {
      while (await expirePending(deps.db.prisma, scheduler, new Date(deps.now())));
    },
  }
}
