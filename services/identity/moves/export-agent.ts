import { parseDid } from '@auth4agent/core/identity/did'
import type { AgentBundle } from '@auth4agent/core/key-events/bundle-text'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Cause } from '../../platform/trace/span.ts'
import { resolveDid } from '../resolve-did.ts'
import type { MoveDeps } from './deps.ts'
import { readKeyHistory, toBundle } from './read-bundle.ts'

/**
 * Returns the bundle of an agent that has moved to another server.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, MOVE_NOT_RELEASED, NOTHING_PENDING, AGENT_MOVED
 */
export async function exportAgent(deps: MoveDeps, did: string, cause: Cause): Promise<AgentBundle> {
  const resolved = await resolveDid(deps, did, cause)
  if (resolved === undefined) throw new ApiError('INVALID_DID')
  const { operator, agent } = resolved
  if (operator === undefined || agent === null) throw new ApiError('AGENT_NOT_FOUND')
  const { prisma } = deps.db
  const { id, movedTo, release, releaseManifestSeq } = agent
  if (movedTo === null) {
    const waits =
      agent.status !== 'revoked' && (await prisma.agentPendingEvent.count({ where: { agentId: id, type: 'move' } })) > 0
    throw waits ? new ApiError('MOVE_NOT_RELEASED') : new ApiError('NOTHING_PENDING', 'The agent has not moved')
  }
  if (release === null)
    throw new ApiError('AGENT_MOVED', `The agent has moved to ${movedTo} on this server: ListKeyEvents returns its log`)
  const history = await readKeyHistory(deps, operator.id, releaseManifestSeq ?? 0, cause)
  const bundle = await toBundle(prisma, id, { ...history, release, issuer: deps.issuer })
  if (bundle === undefined)
    throw new Error(`The bundle of ${parseDid(did)?.domain ?? did} is larger than when it was released`)
  return bundle
}
