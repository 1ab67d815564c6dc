import type { ObjectToMoveRequest } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import type { Call } from '../../calls/call.ts'
import { change } from '../../ledger/ledger.ts'
import { checkReason } from '../../platform/requests/check-text.ts'
import { decideMoveObjection } from '../domain/decide-move.ts'
import { parseAgentName } from '../domain/parse-agent-name.ts'
import type { MoveDeps } from './deps.ts'
import { lockLeaving } from './read-leaving.ts'

/**
 * Ends a move that the operator has not released. The move is public, so the agent's row remembers when it was signed:
 * otherwise anybody could send it again.
 *
 * @returns the agent's DID and the digest of the move
 * @throws ApiError AGENT_NOT_FOUND, AGENT_PENDING, AGENT_REVOKED, AGENT_MOVED, NOTHING_PENDING, INVALID_ARGUMENT,
 *   ASSERTION_USED
 */
export async function objectToMove(
  { db, now }: MoveDeps,
  request: ObjectToMoveRequest,
  call: Call,
): Promise<{ readonly agentDid: string; readonly digest: string }> {
  const { operatorId } = request
  const name = parseAgentName(request.agent)
  const reason = checkReason(request.reason)
  return change(db.prisma, call, async (tx, audit) => {
    const { agent, log } = await lockLeaving(tx, operatorId, name, new Date(now()))
    const { event, claims } = decideMoveObjection(agent)
    const { agentId, state } = log
    await tx.agentPendingEvent.delete({ where: { agentId_type: { agentId, type: 'move' } } })
    const objectedMoveSignedAt = new Date(claims.iat * 1000)
    await tx.agent.update({ where: { id: agentId, operatorId }, data: { objectedMoveSignedAt } })
    await audit({ action: 'agent.object-to-move', subject: state.did, operatorId, reason })
    return { agentDid: state.did, digest: event.digest }
  })
}
