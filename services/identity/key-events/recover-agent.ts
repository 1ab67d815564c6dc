import type { KeyEventType } from '@auth4agent/core/key-events/event-claims'
import type { KeyEvent } from '@auth4agent/core/key-events/key-event'
import type { RecoverAgentRequest } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import type { Call } from '../../calls/call.ts'
import { change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkStatus, follow, type KeyLog, settleRecovery } from '../domain/key-log.ts'
import { parseAgentName } from '../domain/parse-agent-name.ts'
import { checkTime, parseSentEvent, type SigningClock } from '../domain/parse-key-event.ts'
import type { KeyEventDeps } from './deps.ts'
import { lockKeyLog } from './read-key-log.ts'
import { insertWaiting } from './waiting-events.ts'
import { writeSteps } from './write-steps.ts'

/** A recovery that an operator has asked for. */
export interface RequestedRecovery {
  readonly did: string
  readonly event: KeyEvent
  readonly effectiveAt: Date
  /** Whether this call has started the recovery. */
  readonly isNew: boolean
  /** The types of the events that this call has written. */
  readonly written: readonly KeyEventType[]
}

/**
 * Starts the recovery of an agent. With a delay of 0, the recovery takes effect at once.
 *
 * @throws ApiError AGENT_NOT_FOUND, INVALID_KEY_EVENT, AGENT_PENDING, AGENT_REVOKED, RECOVERY_PENDING,
 *   KEY_EVENT_CONFLICT, KEY_EVENT_LIMIT, KEY_NOT_COMMITTED, KEY_REUSED, ASSERTION_USED
 */
export function recoverAgent(
  deps: KeyEventDeps,
  { operatorId, agent, event: text }: RecoverAgentRequest,
  call: Call,
): Promise<RequestedRecovery> {
  const name = parseAgentName(agent)
  const event = parseSentEvent(text, ['recover'])
  const at = new Date(deps.now())
  return change(deps.db.prisma, call, async (tx, audit) => {
    const log = await lockKeyLog(tx, operatorId, name, event)
    const { did } = log.state
    const known = await knownTime(tx, log, event)
    if (known !== undefined) return { did, event, effectiveAt: known, isNew: false, written: [] }
    const { steps, next } = decideRecovery(log, event, deps.clock(at), at)
    const effectiveAt = new Date(at.getTime() + deps.recoveryDelayMs)
    const due = effectiveAt > at ? steps : [...steps, next]
    if (due.length > 0) await writeSteps(tx, audit, log, due, at)
    if (effectiveAt > at) await insertWaiting(tx, log.agentId, 'recover', event, { requestedAt: at, effectiveAt })
    await audit({ action: 'agent.request-recovery', subject: did, operatorId })
    return { did, event, effectiveAt, isNew: true, written: due.map((step) => step.event.claims.type) }
  })
}

/** Returns the steps that are due already, and the step of this recovery. Throws ApiError if it is refused. */
function decideRecovery(log: KeyLog, event: KeyEvent, clock: SigningClock, at: Date) {
  const settled = settleRecovery(log, at)
  checkStatus(log, 'recover')
  if (settled.log.recovery !== undefined) throw new ApiError('RECOVERY_PENDING')
  checkTime(event, clock)
  return { steps: settled.steps, next: follow(settled.log, event) }
}

/** Returns when this recovery takes effect, if it waits, or when it has taken effect, if it is in the log. */
async function knownTime(tx: Tx, { agentId, recovery }: KeyLog, { claims, text }: KeyEvent): Promise<Date | undefined> {
  if (recovery?.text === text) return recovery.effectiveAt
  const known = await tx.agentKeyEvent.findUnique({ where: { agentId_seq: { agentId, seq: claims.seq } } })
  return known?.event === text ? known.recordedAt : undefined
}
