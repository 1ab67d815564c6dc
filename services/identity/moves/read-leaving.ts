import type { Tx } from '../../platform/db/db.ts'
import type { LeavingAgent, LeftOperator, WaitingMove } from '../domain/decide-move.ts'
import { type KeyLog, settleRecovery } from '../domain/key-log.ts'
import type { AgentName } from '../domain/parse-agent-name.ts'
import { lockKeyLog, parseStored } from '../key-events/read-key-log.ts'

/** An agent that wants to leave, with its log. Its row is locked. */
export interface Leaving {
  readonly agent: LeavingAgent
  readonly log: KeyLog
  /** The operator as it was after the lock. */
  readonly operator: LeftOperator
  /** The release of an agent that has moved; null without one. */
  readonly release: string | null
  readonly revokedAt: Date | null
  /** The server's time, or the database's if that is earlier, so that a wrong clock never shortens the delay. */
  readonly at: Date
}

/**
 * Locks an operator's agent until the transaction ends, and reads the move that waits. A recovery that is due counts
 * as done, so the move that waited before it is gone.
 *
 * @throws ApiError AGENT_NOT_FOUND
 */
export async function lockLeaving(tx: Tx, operatorId: string, name: AgentName, now: Date): Promise<Leaving> {
  const log = await lockKeyLog(tx, operatorId, name, undefined)
  const { agentId } = log
  const row = await tx.agent.findUniqueOrThrow({
    where: { id: agentId },
    select: { status: true, suspendedAt: true, revokedAt: true, movedTo: true, release: true, operator: STANDING },
  })
  const { release, revokedAt, operator, ...agent } = row
  const settled = settleRecovery(log, now)
  const isRecovering = settled.log.recovery !== undefined
  const move = settled.steps.length > 0 ? undefined : await readMove(tx, agentId)
  return { agent: { ...agent, isRecovering, move }, log, operator, release, revokedAt, at: await earlier(tx, now) }
}

const STANDING = { select: { status: true, frozenAt: true } } as const

async function readMove(tx: Tx, agentId: string): Promise<WaitingMove | undefined> {
  const row = await tx.agentPendingEvent.findUnique({ where: { agentId_type: { agentId, type: 'move' } } })
  if (row === null) return undefined
  const event = parseStored(row.event)
  const { claims } = event
  if (claims.type !== 'move') throw new Error('A stored move must be an event move')
  return { event, claims, effectiveAt: row.effectiveAt, releasedAt: row.releasedAt }
}

async function earlier(tx: Tx, now: Date): Promise<Date> {
  const [row] = await tx.$queryRaw<{ at: Date }[]>`SELECT least(${now}, clock_timestamp()) AS at`
  return row?.at ?? now
}
