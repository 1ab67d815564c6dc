import type { KeyEventRefusal } from '@auth4agent/core/key-events/refusal'
import {
  type AgentRelease,
  checkReleaseContent,
  checkReleaseKey,
  parseAgentRelease,
  type ReleasingKey,
} from '@auth4agent/core/key-events/release'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { LeavingAgent, WaitingMove } from './decide-move.ts'
import { type SigningClock, timeDemand } from './parse-key-event.ts'

/**
 * Reads the statement with which an operator releases an agent, and checks its time and its signature. Which move it
 * releases is checked by {@link checkReleased}.
 *
 * @throws ApiError INVALID_STATEMENT
 */
export function checkRelease(
  text: string,
  operatorId: string,
  keys: readonly ReleasingKey[],
  clock: SigningClock,
): AgentRelease {
  const release = parseAgentRelease(text)
  if (!release.ok) throw invalid(release)
  if (release.operatorId !== operatorId)
    throw new ApiError('INVALID_STATEMENT', `The claim iss of the release must be ${operatorId}`)
  const demand = timeDemand(release.iat, clock)
  if (demand !== undefined) throw new ApiError('INVALID_STATEMENT', `In the release, ${demand}`)
  const refusal = checkReleaseKey(release, keys, clock.nowS)
  if (refusal !== undefined) throw invalid(refusal)
  return release
}

/**
 * Checks that a release is for exactly this move. A release for an earlier move of the agent is refused.
 *
 * @throws ApiError INVALID_STATEMENT
 */
export function checkReleased(release: AgentRelease, { event, claims }: WaitingMove): void {
  const { did, to } = claims
  const { operatorId } = release
  const refusal = checkReleaseContent(release, { operatorId, did, event: event.digest, to })
  if (refusal !== undefined) throw invalid(refusal)
}

/**
 * Checks that a release of a suspended agent was signed after the suspension. Otherwise an earlier statement, sent
 * again, would take the suspension's effect away.
 *
 * @param now when the server records the release
 * @throws ApiError INVALID_STATEMENT
 */
export function checkNewerThanSuspension(
  { iat }: AgentRelease,
  { status, suspendedAt }: LeavingAgent,
  now: Date,
): void {
  if (status !== 'suspended' || suspendedAt === null) return
  if (Math.min(iat * 1000, now.getTime()) > suspendedAt.getTime()) return
  const detail = `The agent is suspended: iat of the release must be after the suspension at ${suspendedAt.toISOString()}`
  throw new ApiError('INVALID_STATEMENT', detail)
}

function invalid({ demand }: KeyEventRefusal): ApiError {
  return new ApiError('INVALID_STATEMENT', `${demand.slice(0, 1).toUpperCase()}${demand.slice(1)}`)
}
