import type { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import type { ServiceModule } from '../chain/rpc.ts'
import { systemAuthor } from '../ledger/ledger.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import { createDirectory } from './directory.ts'
import { policies } from './policy.ts'
import { createRoutes, type IdentityDeps } from './routes.ts'
import { expirePending } from './store.ts'

export { didResolution } from './did-resolution.ts'

/** The identity part of the server: its RPC service, its directory for other parts, and its scheduled work. */
export interface Identity {
  readonly module: ServiceModule<typeof IdentityService>
  readonly directory: InternalHandlers<typeof AgentDirectoryService>
  /** Removes expired pending agents. Several processes may call this function at the same time. */
  runSchedule(): Promise<void>
}

/** Creates the identity part of the server, which manages agents, their keys, grants and life cycle. */
export function createIdentity(deps: IdentityDeps): Identity {
  return {
    module: { service: IdentityService, handlers: createRoutes(deps), policies },
    directory: createDirectory(deps),
    async runSchedule() {
      const author = systemAuthor('identity')
      while (await expirePending(deps.db.prisma, author, new Date(deps.now())));
    },
  }
}
