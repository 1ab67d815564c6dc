import type { Audit } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import type { WaitingMove } from '../domain/decide-move.ts'
import { follow, type KeyLog } from '../domain/key-log.ts'
import { writeSteps } from '../key-events/write-steps.ts'

/**
 * Appends a move to the log of an agent, which ends the agent under its old DID. The agent's row must be locked. No
 * token and nothing that waits remains.
 *
 * @throws ApiError KEY_EVENT_CONFLICT when the move no longer follows the log
 */
export function writeMove(tx: Tx, audit: Audit, log: KeyLog, { event }: WaitingMove, at: Date): Promise<void> {
  return writeSteps(tx, audit, log, [follow(log, event)], at)
}
