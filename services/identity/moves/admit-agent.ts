import { parseDid } from '@auth4agent/core/identity/did'
import type { OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import type { AdmitAgentRequest } from '../../../gen/proto/auth4agent/v1/agent_moves_pb.ts'
import type { Call } from '../../calls/call.ts'
import { change } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkLabel } from '../../platform/requests/check-text.ts'
import { decideAdmission } from '../domain/decide-move.ts'
import { resolveOwner } from '../resolve-did.ts'
import type { AdmittingOperator } from './admitting-operator.ts'
import type { MoveDeps } from './deps.ts'
import { importAgent } from './import-agent.ts'
import { type Admitted, insertAdmitted, requireNoAgent } from './insert-admitted.ts'
import { lockLeaving } from './read-leaving.ts'
import { writeMove } from './write-move.ts'

/**
 * Admits an agent that moves to the calling operator: one of this server, or one that a bundle brings from another
 * server. The agent is active and has no scopes.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_DID, OPERATOR_NOT_ACTIVE, AGENT_EXISTS, ASSERTION_USED; as
 *   decideAdmission does, or INVALID_BUNDLE
 */
export async function admitAgent(deps: MoveDeps, request: AdmitAgentRequest, call: Call): Promise<Admitted> {
  const { operatorId, did, bundle } = request
  const label = checkLabel(request.label)
  if ((did === '') === (bundle === undefined))
    throw new ApiError('INVALID_ARGUMENT', 'The request must have either did or bundle')
  const { operator } = await deps.operators.lookupOperator({ by: { case: 'id', value: operatorId } }, call)
  if (operator?.status !== 'active') throw new ApiError('OPERATOR_NOT_ACTIVE')
  const admission = { operator, label, call }
  return bundle === undefined ? admitFromHere(deps, did, admission) : importAgent(deps, bundle, admission)
}

async function admitFromHere(
  deps: MoveDeps,
  did: string,
  { operator, label, call }: AdmittingOperator,
): Promise<Admitted> {
  const owner = await resolveOwner(deps, did, call)
  const now = new Date(deps.now())
  return change(deps.db.prisma, call, async (tx, audit) => {
    const leaving = await lockLeaving(tx, owner.id, { did }, now)
    await refuseAdmitted(tx, leaving.agent.movedTo, operator)
    const admitting = { operatorId: operator.id, issuer: deps.issuer }
    const move = decideAdmission(leaving.agent, admitting, leaving.operator, leaving.at)
    const { to } = move.claims
    const named = parseDid(to)?.domain
    if (named !== operator.domain) {
      const detail = `The new DID of the move is under ${named}, but the domain of the operator is ${operator.domain}`
      throw new ApiError('DID_MISMATCH', detail)
    }
    await writeMove(tx, audit, leaving.log, move, now)
    const { agentId: from } = leaving.log
    const admitted = { operatorId: operator.id, did: to, label, movedFrom: did, at: now }
    const agent = await insertAdmitted(tx, audit, admitted, (id) => copyLog(tx, from, id))
    await audit({ action: 'agent.admit', subject: to, operatorId: operator.id, reason: `from ${did}` })
    return agent
  })
}

/** An agent that this operator has admitted before exists: the caller repeats its call. */
async function refuseAdmitted(tx: Tx, movedTo: string | null, { id, domain }: OperatorSnapshot): Promise<void> {
  if (movedTo !== null && parseDid(movedTo)?.domain === domain) await requireNoAgent(tx, id, movedTo)
}

/**
 * Copies keys and log of an agent. Its scopes and settings stay behind. The events keep their order, because a trigger
 * computes the keys after each one from those before it.
 */
async function copyLog(tx: Tx, from: string, to: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO agent_keys (agent_id, public_key, thumbprint, created_at, retired_at, next)
    SELECT ${to}::uuid, public_key, thumbprint, created_at, retired_at, next FROM agent_keys WHERE agent_id = ${from}::uuid`
  await tx.$executeRaw`
    INSERT INTO agent_added_keys (agent_id, thumbprint, public_jwk, label, expires_at)
    SELECT ${to}::uuid, thumbprint, public_jwk, label, expires_at FROM agent_added_keys WHERE agent_id = ${from}::uuid`
  await tx.$executeRaw`
    INSERT INTO agent_key_events (agent_id, seq, type, event, digest, recorded_at)
    SELECT ${to}::uuid, seq, type, event, digest, recorded_at FROM agent_key_events WHERE agent_id = ${from}::uuid
    ORDER BY seq`
}
