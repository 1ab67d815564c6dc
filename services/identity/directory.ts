import type { AgentDirectoryService } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { InternalHandlers } from '../platform/rpc/local-client.ts'
import { toAgentSnapshot } from './messages.ts'
import { resolveDid } from './resolve-did.ts'
import type { IdentityDeps } from './routes.ts'
import { toStandingAgent } from './store.ts'

/** Creates the handlers of AgentDirectoryService, which other parts of the server call. */
export function createDirectory(deps: IdentityDeps): InternalHandlers<typeof AgentDirectoryService> {
  return {
    async lookupAgent({ did }, cause) {
      const resolved = await resolveDid(deps, did, cause)
      if (resolved === undefined) return {}
      const { operator, agent } = resolved
      if (agent === null) return operator === undefined ? {} : { operator }
      const standing = await deps.attestation.standing(toStandingAgent(agent))
      return { ...(operator && { operator }), agent: { ...toAgentSnapshot(agent), ...standing } }
    },

    async attestAgent({ did, attestation, requestId }, { span }) {
      if (attestation === undefined) throw new ApiError('INVALID_ARGUMENT', 'attestation must be given')
      await deps.attestation.attestForToken({ principal: { kind: 'agent', did }, requestId, span }, did, attestation)
      return {}
    },
  }
}
