import type { PrismaClient } from '../../../gen/prisma/client.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { settleRecovery } from '../domain/key-log.ts'
import { lockKeyLog } from './read-key-log.ts'
import { writeSteps } from './write-steps.ts'

/** An agent whose recovery is due. */
export interface DueRecovery {
  readonly agentId: string
  readonly operatorId: string
}

/**
 * Returns the agents whose recovery is due, longest due first, at most `count`. Both this process's clock and the
 * database's clock must have reached the time, so a wrong clock never shortens the delay.
 */
export function findDueRecoveries(prisma: PrismaClient, now: Date, count: number): Promise<DueRecovery[]> {
  return prisma.$queryRaw<DueRecovery[]>`
    SELECT p.agent_id AS "agentId", a.operator_id AS "operatorId"
    FROM agent_pending_events p JOIN agents a ON a.id = p.agent_id
    WHERE p.type = 'recover' AND p.effective_at <= least(${now}, clock_timestamp())
    ORDER BY p.effective_at LIMIT ${count}`
}

/**
 * Lets the recovery of an agent take effect, if it is still due. Removes a recovery that no longer fits, because the
 * agent was revoked.
 *
 * @returns whether a recovery took effect
 * @throws ApiError AGENT_NOT_FOUND
 */
export function applyDueRecovery(prisma: PrismaClient, author: Author, due: DueRecovery, at: Date): Promise<boolean> {
  return change(prisma, author, async (tx, audit) => {
    const log = await lockKeyLog(tx, due.operatorId, { id: due.agentId }, undefined)
    const settled = settleRecovery(log, at)
    if (settled.log.recovery === log.recovery) return false
    if (settled.steps.length > 0) await writeSteps(tx, audit, log, settled.steps, at)
    else await tx.agentPendingEvent.deleteMany({ where: { agentId: log.agentId, type: 'recover' } })
    return settled.steps.length > 0
  })
}
