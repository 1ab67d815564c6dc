import type { AgentMoveService } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { costOfBytes } from '../../calls/cost.ts'
import { toTimestamp } from '../messages.ts'
import { admitAgent } from './admit-agent.ts'
import type { MoveDeps } from './deps.ts'
import { exportAgent } from './export-agent.ts'
import { objectToMove } from './object-to-move.ts'
import { releaseAgent } from './release-agent.ts'

/** Creates the handlers of AgentMoveService. */
export function createMoveRoutes(deps: MoveDeps): Handlers<typeof AgentMoveService> {
  return {
    async releaseAgent(request, call) {
      const { did, releasedAt } = await releaseAgent(deps, request, call)
      return { agentDid: did, releasedAt: toTimestamp(releasedAt) }
    },

    objectToMove: (request, call) => objectToMove(deps, request, call),

    async admitAgent(request, call) {
      const { id, did } = await admitAgent(deps, request, call)
      return { id, did, status: 'active' }
    },

    async exportAgent({ did }, call) {
      const { events, manifests, ...rest } = await exportAgent({ ...deps, db: deps.readDb }, did, call)
      call.charge?.(costOfBytes([...events, ...manifests].reduce((sum, { length }) => sum + length, 0)))
      return {
        bundle: {
          ...rest,
          events: [...events],
          manifests: [...manifests],
          foundingPublicKey: Uint8Array.from(rest.foundingPublicKey),
        },
      }
    },
  }
}
