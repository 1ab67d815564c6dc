import { applyKeyEvent } from '@auth4agent/core/key-events/apply-key-event'
import type { KeyEventType } from '@auth4agent/core/key-events/event-claims'
import { type KeyEvent, parseKeyEvent } from '@auth4agent/core/key-events/key-event'
import type { KeyState } from '@auth4agent/core/key-events/key-state'
import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'
import { refusalError } from './refuse-key-event.ts'

/** An agent with its log of key events, as one statement has read them. */
export interface KeyLog {
  readonly agentId: string
  readonly operatorId: string
  readonly status: AgentStatus
  /** The DID to which the agent has moved. */
  readonly movedTo: string | undefined
  /** When the agent registered. */
  readonly createdAt: Date
  /** The state after the last event. */
  readonly state: KeyState
  /** The inception, if the server computes it because the table has no event of the agent. */
  readonly computed: KeyEvent | undefined
  readonly recovery: WaitingRecovery | undefined
}

/** A recovery that has not taken effect yet. */
export interface WaitingRecovery {
  readonly text: string
  /** SHA-256 of the text, base64url. */
  readonly digest: string
  readonly requestedAt: Date
  readonly effectiveAt: Date
}

/** An event that the log accepts, with the states before and after it. */
export interface Step {
  readonly event: KeyEvent
  readonly before: KeyState
  readonly after: KeyState
}

/** A log after a recovery that was due, and the step of this recovery. */
interface Settled {
  readonly log: KeyLog
  readonly steps: readonly Step[]
}

/**
 * Applies the recovery of a log if it is due. A recovery that no longer fits ends without a step: the agent was
 * revoked.
 */
export function settleRecovery(log: KeyLog, at: Date): Settled {
  const { recovery, state } = log
  if (recovery === undefined || (log.status !== 'revoked' && recovery.effectiveAt > at)) return { log, steps: [] }
  const settled = { ...log, recovery: undefined }
  const event = parseKeyEvent(recovery.text)
  const applied = event.ok && log.status !== 'revoked' ? applyKeyEvent(state, event) : undefined
  if (!event.ok || applied?.ok !== true) return { log: settled, steps: [] }
  return {
    log: { ...settled, computed: undefined, state: applied.state },
    steps: [{ event, before: state, after: applied.state }],
  }
}

/**
 * Decides whether the log accepts an event at this time. A recovery that is due takes effect first.
 *
 * @returns the steps to write, oldest first
 * @throws ApiError AGENT_PENDING, AGENT_NOT_ACTIVE, AGENT_REVOKED, AGENT_MOVED, INVALID_KEY_EVENT,
 *   KEY_EVENT_CONFLICT, KEY_EVENT_LIMIT, KEY_NOT_COMMITTED, KEY_REUSED, ADDED_KEY_LIMIT, ADDED_KEY_NOT_FOUND
 */
export function decideAppend(log: KeyLog, event: KeyEvent, at: Date): readonly Step[] {
  const settled = settleRecovery(log, at)
  checkStatus(settled.log, event.claims.type)
  return [...settled.steps, follow(settled.log, event)]
}

/** Returns the step of an event after a log. Throws ApiError if the log refuses the event. */
export function follow({ state }: KeyLog, event: KeyEvent): Step {
  const applied = applyKeyEvent(state, event)
  if (!applied.ok) throw refusalError(applied)
  return { event, before: state, after: applied.state }
}

/**
 * The types of events that an agent may append in each status, or the refusal. A suspended agent may replace a key and
 * take keys away, so that its operator can reactivate it with a good key. It may not add a key, because the operator
 * does not trust the key that would sign.
 */
const STATUSES: Readonly<Record<AgentStatus, (type: KeyEventType) => ReasonCode | undefined>> = {
  pending: () => 'AGENT_PENDING',
  active: () => undefined,
  suspended: (type) => (type === 'add-key' ? 'AGENT_NOT_ACTIVE' : undefined),
  revoked: () => 'AGENT_REVOKED',
}

/** Throws AGENT_PENDING, AGENT_NOT_ACTIVE, AGENT_REVOKED or AGENT_MOVED unless the status allows the event. */
export function checkStatus({ status, movedTo }: KeyLog, type: KeyEventType): void {
  if (movedTo !== undefined) throw new ApiError('AGENT_MOVED', `The agent has moved to ${movedTo}`)
  const reason = STATUSES[status](type)
  if (reason !== undefined) throw new ApiError(reason)
}
