import type { MoveClaims } from '@auth4agent/core/key-events/event-claims'
import type { KeyEvent } from '@auth4agent/core/key-events/key-event'
import type { AgentStatus, OperatorStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** A move that has not taken effect yet. */
export interface WaitingMove {
  readonly event: KeyEvent
  readonly claims: MoveClaims
  /** When the move can be admitted without a release. */
  readonly effectiveAt: Date
  /** When the operator released the agent; null before that. */
  readonly releasedAt: Date | null
}

/** An agent that wants to leave its operator. */
export interface LeavingAgent {
  readonly status: AgentStatus
  readonly suspendedAt: Date | null
  readonly movedTo: string | null
  /** Whether a recovery of the agent waits. */
  readonly isRecovering: boolean
  readonly move: WaitingMove | undefined
}

/** The state of the operator that an agent leaves. */
export interface LeftOperator {
  readonly status: OperatorStatus
  readonly frozenAt: Date | null
}

/** The operator that wants to admit an agent, and the issuer of its server. */
export interface AdmittingOperator {
  readonly operatorId: string
  readonly issuer: string
}

/**
 * Returns the move that an operator may release or object to.
 *
 * @throws ApiError AGENT_PENDING, AGENT_REVOKED, AGENT_MOVED, NOTHING_PENDING
 */
export function requireMove(agent: LeavingAgent): WaitingMove {
  const { status, movedTo, move } = agent
  if (status === 'pending') throw new ApiError('AGENT_PENDING')
  if (movedTo !== null) throw new ApiError('AGENT_MOVED', `The agent has moved to ${movedTo}`)
  if (status === 'revoked') throw new ApiError('AGENT_REVOKED')
  if (move === undefined) throw new ApiError('NOTHING_PENDING', 'No move of the agent waits')
  return move
}

/**
 * Returns the move that an objection ends.
 *
 * @throws ApiError NOTHING_PENDING when the operator has released the agent, and as requireMove does
 */
export function decideMoveObjection(agent: LeavingAgent): WaitingMove {
  const move = requireMove(agent)
  if (move.releasedAt === null) return move
  const detail = 'No move of the agent waits for its operator: the operator has released the agent'
  throw new ApiError('NOTHING_PENDING', detail)
}

/**
 * Returns whether the release of an agent still counts. A suspension after the release takes it back: the operator has
 * to release the agent again, or to reactivate it.
 */
export function isReleased({ status, suspendedAt }: LeavingAgent, { releasedAt }: WaitingMove): boolean {
  if (releasedAt === null) return false
  return status !== 'suspended' || suspendedAt === null || suspendedAt < releasedAt
}

/**
 * Throws unless a move can take effect: a recovery that waits must end first, because its outcome says which key
 * speaks for the agent.
 *
 * @throws ApiError RECOVERY_PENDING
 */
export function requireNoRecovery({ isRecovering }: LeavingAgent): void {
  if (!isRecovering) return
  throw new ApiError('RECOVERY_PENDING', 'The recovery that waits must end before the agent can move')
}

/**
 * Decides whether an operator of this server may admit an agent of another operator of this server now.
 *
 * The time alone frees neither an agent that its operator has suspended nor the agents of an operator that is frozen
 * or that the administrator has suspended.
 *
 * @param left the operator that the agent leaves
 * @throws ApiError MOVE_NOT_RELEASED, RECOVERY_PENDING, AGENT_OPERATOR_NOT_ACTIVE, and as requireMove does
 */
export function decideAdmission(
  agent: LeavingAgent,
  { operatorId, issuer }: AdmittingOperator,
  left: LeftOperator,
  at: Date,
): WaitingMove {
  const move = requireMove(agent)
  if (move.claims.operatorId !== operatorId || move.claims.issuer !== issuer)
    throw new ApiError('NOTHING_PENDING', 'No move of the agent to this operator waits')
  requireNoRecovery(agent)
  if (left.status === 'suspended')
    throw new ApiError(
      'AGENT_OPERATOR_NOT_ACTIVE',
      'The administrator has suspended the operator that the agent leaves',
    )
  if (isReleased(agent, move)) return move
  if (agent.status === 'suspended')
    throw new ApiError('MOVE_NOT_RELEASED', 'The agent is suspended, so its operator must release it')
  if (left.frozenAt !== null)
    throw new ApiError('MOVE_NOT_RELEASED', 'The operator that the agent leaves is frozen and has not released it')
  if (at >= move.effectiveAt) return move
  const time = move.effectiveAt.toISOString()
  throw new ApiError('MOVE_NOT_RELEASED', `The operator must release the agent, or not object until ${time}`)
}
