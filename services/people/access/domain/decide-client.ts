import type { UserAccess } from '../../../operator-registry/index.ts'
import { clientKindOf, firstEdgeOf } from '../../clients/domain/client-id.ts'
import type { Standing } from './standing.ts'

/**
 * Decides whether the owner of an audience lets a client act for users there. A client about which the owner has said
 * nothing may, if the owner lets every client do so that is no agent.
 *
 * @returns the edge of the client, or undefined if it may not
 */
export function decideClient(
  { ownerId, clientStatus, clientEdge }: Pick<Standing, 'ownerId' | 'clientStatus' | 'clientEdge'>,
  clientId: string,
  { clients }: Pick<UserAccess, 'clients'>,
): string | undefined {
  if (clientStatus === 'allowed') return clientEdge ?? undefined
  const isAny = clientStatus === null && clients === 'any' && isProgram(clientId)
  return isAny && ownerId !== null ? firstEdgeOf(ownerId, clientId) : undefined
}

/** Agents always need the list, because their operators say of them what they may do. */
function isProgram(clientId: string): boolean {
  const kind = clientKindOf(clientId)
  return kind === 'url' || kind === 'registered'
}
