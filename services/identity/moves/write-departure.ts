import type { MoveClaims } from '@auth4agent/core/key-events/event-claims'
import type { Audit } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { WaitingMove } from '../domain/decide-move.ts'
import type { KeyLog } from '../domain/key-log.ts'
import { insertEvent } from '../key-events/write-steps.ts'

/** The release of an agent, and the number of the manifest that was in force then. */
export interface StoredRelease {
  readonly release: string
  readonly releaseManifestSeq: number
}

/**
 * Ends an agent under the DID that it leaves: appends the move to its log, and revokes it. Its row must be locked. No
 * token and nothing that waits remains.
 */
export async function writeDeparture(
  tx: Tx,
  audit: Audit,
  { agentId, operatorId, computed, createdAt, state }: KeyLog,
  { event, claims }: WaitingMove,
  at: Date,
  release?: StoredRelease,
): Promise<void> {
  if (computed !== undefined) await insertEvent(tx, agentId, computed, createdAt)
  await insertEvent(tx, agentId, event, at)
  await tx.agentPendingEvent.deleteMany({ where: { agentId } })
  await tx.agent.update({
    where: { id: agentId, operatorId },
    data: {
      status: 'revoked',
      revokedAt: at,
      suspendedAt: null,
      movedTo: claims.to,
      ...release,
      version: { increment: 1 },
      epoch: { increment: 1 },
    },
  })
  // The agent has asked for the move. Its operator sees nothing of the request of the other operator.
  const principal = { kind: 'agent', did: state.did } as const
  await audit({ action: 'agent.move', subject: state.did, operatorId, reason: destination(claims), principal })
}

/** Says in the audit where an agent goes. */
export function destination({ to, operatorId, issuer }: MoveClaims): string {
  return `to ${to} of operator ${operatorId} at ${issuer}`
}
