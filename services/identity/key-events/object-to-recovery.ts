import type { ObjectToRecoveryRequest } from '../../../gen/proto/auth4agent/v1/agent_keys_pb.ts'
import type { Call } from '../../calls/call.ts'
import { change } from '../../ledger/ledger.ts'
import { decideObjection, parseSentObjection } from '../domain/decide-objection.ts'
import { resolveOwner } from '../resolve-did.ts'
import type { KeyEventDeps } from './deps.ts'
import { lockKeyLog, readKeyLog } from './read-key-log.ts'

/**
 * Ends the recovery of an agent, because its current identity key objects. The objection authenticates the call, so it
 * is checked before anything is locked or written, and again under the lock.
 *
 * @returns the digest of the recovery that has ended
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, INVALID_STATEMENT, NOTHING_PENDING
 */
export async function objectToRecovery(
  deps: KeyEventDeps,
  { did, objection: text }: ObjectToRecoveryRequest,
  call: Call,
): Promise<string> {
  const { prisma } = deps.db
  const operator = await resolveOwner(deps, did, call)
  const at = new Date(deps.now())
  const objection = parseSentObjection(text, did, deps.clock(at))
  decideObjection(await readKeyLog(prisma, operator.id, { did }, undefined), objection, at)
  const author = { ...call, principal: { kind: 'agent', did } } as const
  return change(prisma, author, async (tx, audit) => {
    const log = await lockKeyLog(tx, operator.id, { did }, undefined)
    const { digest } = decideObjection(log, objection, at)
    await tx.agentPendingEvent.deleteMany({ where: { agentId: log.agentId, type: 'recover' } })
    await audit({ action: 'agent.object-to-recovery', subject: did, operatorId: operator.id, reason: digest })
    return digest
  })
}
