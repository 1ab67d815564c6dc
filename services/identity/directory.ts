import type { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import { toAgentSnapshot } from './messages.ts'
import { type Resolver, resolveDid } from './resolve-did.ts'

/** Creates the handlers of AgentDirectoryService, which other parts of the server call. */
export function createDirectory(deps: Resolver): InternalHandlers<typeof AgentDirectoryService> {
  return {
    async lookupAgent({ did }) {
      const resolved = await resolveDid(deps, did)
      if (resolved === undefined) return {}
      const { operator, agent } = resolved
      return { ...(operator && { operator }), ...(agent && { agent: toAgentSnapshot(agent) }) }
    },
  }
}
