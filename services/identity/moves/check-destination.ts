import { parseDid } from '@auth4agent/core/identity/did'
import type { MoveClaims } from '@auth4agent/core/key-events/event-claims'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Cause } from '../../platform/trace/span.ts'
import type { KeyEventDeps } from '../key-events/deps.ts'
import { parseStored } from '../key-events/read-key-log.ts'

/**
 * Checks where an agent wants to go: never back to a DID that it has left, and on this server only to an operator with
 * the domain of the new DID. Another server checks its operator itself.
 *
 * @throws ApiError INVALID_KEY_EVENT
 */
export async function checkDestination(
  { db, operators, issuer }: KeyEventDeps,
  agentId: string,
  { to, operatorId, issuer: target }: MoveClaims,
  cause: Cause,
): Promise<void> {
  const moves = await db.prisma.agentKeyEvent.findMany({ where: { agentId, type: 'move' }, select: { event: true } })
  if (moves.some(({ event }) => parseStored(event).claims.did === to))
    throw new ApiError('INVALID_KEY_EVENT', 'In the key event, to must be a DID that the agent never had')
  if (target !== issuer) return
  const { operator } = await operators.lookupOperator({ by: { case: 'id', value: operatorId } }, cause)
  if (operator === undefined)
    throw new ApiError(
      'INVALID_KEY_EVENT',
      'In the key event, operator_id must be the id of an operator of this server',
    )
  if (parseDid(to)?.domain !== operator.domain)
    throw new ApiError('INVALID_KEY_EVENT', `In the key event, to must be a DID under ${operator.domain}`)
}
