import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { Prisma, type PrismaClient } from '../../gen/prisma/client.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { Tx } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { SignedInception } from './domain/check-inception.ts'
import type { Registration } from './domain/check-registration.ts'
import { checkRepeat } from './domain/check-repeat.ts'
import { readKeyLog } from './key-events/read-key-log.ts'
import { insertEvent } from './key-events/write-steps.ts'
import { type AgentRecord, currentKey, findAgent, lockRow } from './store.ts'

/** A new agent, before it is inserted. */
export interface NewAgent extends Registration {
  readonly operatorId: string
  /** The agent's signed inception; undefined if the server computes one. */
  readonly inception: SignedInception | undefined
  /** Whether the operator itself registers the agent, so that the agent is active at once. */
  readonly isApproved: boolean
  readonly createdAt: Date
  /** When the server removes the agent if it is still pending. */
  readonly expiresAt: Date
}

/**
 * Registers an agent. When the same key is already registered without approval and the agent is still pending, returns
 * that agent, and stores the inception if the agent has none yet. After it has inserted a pending agent, removes the
 * operator's oldest pending agents beyond `maxPending`.
 *
 * @throws ApiError AGENT_EXISTS; KEY_EVENT_CONFLICT; OPERATOR_NOT_FOUND when the operator has just been removed;
 *   ASSERTION_USED.
 */
export async function registerAgent(
  prisma: PrismaClient,
  author: Author,
  agent: NewAgent,
  maxPending: number,
): Promise<AgentRecord> {
  const { operatorId, did, publicKey, isApproved, inception } = agent
  try {
    return await change(prisma, author, async (tx, audit) => {
      const isNew = await insertAgent(tx, agent)
      // Without a signed inception nothing follows that a lock must protect, and a stranger may repeat a registration.
      if (!isNew && inception !== undefined) await lockRow(tx, operatorId, { did })
      const record = await findAgent(tx, operatorId, { did })
      // The insert found an agent with the same DID, but that agent has been removed since. A retry will succeed.
      if (record === null) throw new ApiError('AGENT_EXISTS')
      if (!isNew) {
        checkRepeat({ status: record.status, publicKey: currentKey(record) }, publicKey, isApproved)
        if (inception !== undefined && (await addInception(tx, record, inception)))
          await audit({ action: 'agent.register', subject: did, operatorId, reason: 'inception' })
        return record
      }
      await audit({ action: 'agent.register', subject: did, operatorId })
      for (const evicted of isApproved ? [] : await evictPending(tx, operatorId, maxPending)) {
        await audit({ action: 'agent.expire', subject: evicted, operatorId, reason: 'too many pending agents' })
      }
      return record
    })
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new ApiError('OPERATOR_NOT_FOUND', undefined, { cause: error })
    throw error
  }
}

/** What an agent gets that enrols by a rule. */
export interface Enrolment {
  readonly enrolmentRuleId: string
  readonly allowedScopes: string[]
}

/** Inserts an agent and its key. Returns false when the operator already has an agent with this DID. */
export async function insertAgent(tx: Tx, agent: NewAgent, enrolment?: Enrolment): Promise<boolean> {
  const { operatorId, did, label, isApproved, createdAt, expiresAt, publicKey, thumbprint, inception } = agent
  const id = uuidv7(createdAt.getTime(), randomBytes(10))
  const state = isApproved ? ({ status: 'active', approvedAt: createdAt } as const) : { expiresAt }
  const { count } = await tx.agent.createMany({
    data: [{ id, operatorId, did, label, allowedScopes: [], createdAt, ...state, ...enrolment }],
    skipDuplicates: true,
  })
  if (count === 0) return false
  const next = inception?.next ?? null
  await tx.agentKey.create({
    data: { agentId: id, publicKey: Uint8Array.from(publicKey), thumbprint, next, createdAt },
  })
  if (inception !== undefined) {
    if (inception.late !== undefined) throw inception.late
    await insertEvent(tx, id, inception.event, createdAt)
  }
  return true
}

/**
 * Stores the inception of a pending agent that is registered again. Anybody can register a key without an inception
 * first, and must not be able to keep its owner from committing to the next key. Returns false if the log already
 * begins with this inception.
 *
 * @throws ApiError KEY_EVENT_CONFLICT when the log begins with another inception; INVALID_KEY_EVENT for an old one.
 */
export async function addInception(
  tx: Tx,
  { id, operatorId, createdAt }: AgentRecord,
  { event, next, late }: SignedInception,
): Promise<boolean> {
  const { computed, state } = await readKeyLog(tx, operatorId, { id }, undefined)
  if (state.head === event.digest) return false
  if (computed === undefined)
    throw new ApiError('KEY_EVENT_CONFLICT', 'The agent is already registered with another inception')
  if (late !== undefined) throw late
  await insertEvent(tx, id, event, createdAt)
  await tx.agentKey.updateMany({ where: { agentId: id, retiredAt: null }, data: { next: next ?? null } })
  return true
}

/**
 * Removes all pending agents of an operator except the newest `keep`, and returns the DIDs of the removed agents.
 * Registrations at the same time do not see each other's agents, so together they may exceed the limit. The next
 * registration then removes the surplus.
 */
async function evictPending(tx: Tx, operatorId: string, keep: number): Promise<string[]> {
  const evicted = await tx.$queryRaw<{ did: string }[]>`
    WITH surplus AS MATERIALIZED (
      SELECT id FROM agents WHERE operator_id = ${operatorId}::uuid AND status = 'pending' ORDER BY id DESC OFFSET ${keep}
    ), taken AS MATERIALIZED (
      SELECT id FROM agents WHERE id IN (SELECT id FROM surplus) AND status = 'pending' FOR UPDATE SKIP LOCKED
    )
    DELETE FROM agents WHERE id IN (SELECT id FROM taken) RETURNING did`
  return evicted.map(({ did }) => did)
}

/** Returns whether the row to which a new row refers is gone. */
export function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003'
}
