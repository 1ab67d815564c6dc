import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import type { PrismaClient } from '../../../gen/prisma/client.ts'
import type { Audit } from '../../ledger/ledger.ts'
import type { Tx } from '../../platform/db/db.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** An admitted agent. */
export interface Admitted {
  readonly id: string
  readonly did: string
}

/** An agent to admit. */
export interface NewArrival {
  readonly operatorId: string
  readonly did: string
  readonly label: string
  readonly movedFrom: string
  readonly at: Date
}

/**
 * Inserts an agent that moves to an operator, active and without scopes, and lets `writeLog` insert its keys and log.
 * A registration that is still pending gives way: anybody can register a known public key, and must not be able to
 * keep its owner out.
 *
 * @throws ApiError AGENT_EXISTS
 */
export async function insertAdmitted(
  tx: Tx,
  audit: Audit,
  { operatorId, did, label, movedFrom, at }: NewArrival,
  writeLog: (id: string) => Promise<void>,
): Promise<Admitted> {
  const { count: replaced } = await tx.agent.deleteMany({ where: { operatorId, did, status: 'pending' } })
  if (replaced > 0) await audit({ action: 'agent.expire', subject: did, operatorId, reason: 'the agent moved here' })
  const id = uuidv7(at.getTime(), randomBytes(10))
  const state = { status: 'active', createdAt: at, approvedAt: at } as const
  const { count } = await tx.agent.createMany({
    data: [{ id, operatorId, did, label, movedFrom, allowedScopes: [], ...state }],
    skipDuplicates: true,
  })
  if (count === 0) throw exists(did)
  await writeLog(id)
  return { id, did }
}

/**
 * Throws if an operator already has an agent with this DID that is not pending.
 *
 * @throws ApiError AGENT_EXISTS
 */
export async function requireNoAgent(prisma: PrismaClient | Tx, operatorId: string, did: string): Promise<void> {
  const known = await prisma.agent.count({ where: { operatorId, did, status: { not: 'pending' } } })
  if (known > 0) throw exists(did)
}

function exists(did: string): ApiError {
  return new ApiError('AGENT_EXISTS', `The operator already has an agent with the DID ${did}`)
}
