import { randomBytes } from 'node:crypto'
import { uuidv7 } from '@auth4agent/core/encoding/uuid'
import { Prisma, type PrismaClient } from '../../gen/prisma/client.ts'
import type { AuditAction } from '../ledger/audit-action.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { Tx } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Registration } from './domain/check-registration.ts'
import { checkRepeat } from './domain/check-repeat.ts'
import type { Decision } from './domain/decision.ts'
import type { AgentName } from './domain/parse-agent-name.ts'
import type { AgentPage } from './domain/parse-page.ts'

const withCurrentKey = { keys: { where: { retiredAt: null } } } satisfies Prisma.AgentInclude

/** An agent with its current key. */
export type AgentRecord = Prisma.AgentGetPayload<{ include: typeof withCurrentKey }>

/** Returns the agent's current raw public key. */
export function currentKey({ keys: [current] }: AgentRecord): Uint8Array | undefined {
  return current?.publicKey
}

/** Finds the operator's agent with this id or DID. */
export function findAgent(prisma: PrismaClient | Tx, operatorId: string, name: AgentName): Promise<AgentRecord | null> {
  return prisma.agent.findFirst({ where: { operatorId, ...name }, include: withCurrentKey })
}

/** Lists one page of the operator's agents, oldest first, and says whether there are more. */
export async function listAgents(
  prisma: PrismaClient,
  operatorId: string,
  { size, after, statuses }: AgentPage,
): Promise<{ agents: AgentRecord[]; hasMore: boolean }> {
  const agents = await prisma.agent.findMany({
    where: { operatorId, status: { in: [...statuses] }, ...(after !== undefined && { id: { gt: after } }) },
    orderBy: { id: 'asc' },
    take: size + 1,
    include: withCurrentKey,
  })
  return { agents: agents.slice(0, size), hasMore: agents.length > size }
}

/** A new agent, before it is inserted. */
export interface NewAgent extends Registration {
  readonly operatorId: string
  /** Whether the operator itself registers the agent, so that the agent is active at once. */
  readonly isApproved: boolean
  readonly createdAt: Date
  /** When the server removes the agent if it is still pending. */
  readonly expiresAt: Date
}

/**
 * Registers an agent. When the same key is already registered without approval and the agent is still pending, returns
 * that agent. After it has inserted a pending agent, removes the operator's oldest pending agents beyond `maxPending`.
 *
 * @throws ApiError AGENT_EXISTS; OPERATOR_NOT_FOUND when the operator has just been removed; ASSERTION_USED.
 */
export async function registerAgent(
  prisma: PrismaClient,
  author: Author,
  agent: NewAgent,
  maxPending: number,
): Promise<AgentRecord> {
  const { operatorId, did, publicKey, isApproved } = agent
  try {
    return await change(prisma, author, async (tx, audit) => {
      const isNew = await insertAgent(tx, agent)
      const record = await findAgent(tx, operatorId, { did })
      // The insert found an agent with the same DID, but that agent has been removed since. A retry will succeed.
      if (record === null) throw new ApiError('AGENT_EXISTS')
      if (!isNew) {
        checkRepeat({ status: record.status, publicKey: currentKey(record) }, publicKey, isApproved)
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

/** Inserts an agent and its key. Returns false when the operator already has an agent with this DID. */
async function insertAgent(tx: Tx, agent: NewAgent): Promise<boolean> {
  const { operatorId, did, label, isApproved, createdAt, expiresAt, publicKey, thumbprint } = agent
  const id = uuidv7(createdAt.getTime(), randomBytes(10))
  const state = isApproved ? ({ status: 'active', approvedAt: createdAt } as const) : { expiresAt }
  const { count } = await tx.agent.createMany({
    data: [{ id, operatorId, did, label, allowedScopes: [], createdAt, ...state }],
    skipDuplicates: true,
  })
  if (count === 0) return false
  await tx.agentKey.create({ data: { agentId: id, publicKey: Uint8Array.from(publicKey), thumbprint, createdAt } })
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

/** A change of one agent of one operator. `decide` gets the agent after the agent's row has been locked. */
export interface AgentChange {
  readonly operatorId: string
  readonly name: AgentName
  readonly action: AuditAction
  readonly reason?: string
  readonly decide: (agent: AgentRecord) => Decision
}

/**
 * Changes an agent. Raises the agent's version, and its epoch too when the change ends tokens. When the decision is
 * `already`, leaves the agent and the audit unchanged.
 *
 * @returns the agent after the change.
 * @throws ApiError AGENT_NOT_FOUND, ASSERTION_USED, and every error that `decide` throws.
 */
export function changeAgent(prisma: PrismaClient, author: Author, asked: AgentChange): Promise<AgentRecord> {
  const { operatorId, name, action, reason, decide } = asked
  return change(prisma, author, async (tx, audit) => {
    const agent = await lockAgent(tx, operatorId, name)
    const decision = decide(agent)
    if (decision.kind === 'already') return agent
    const changed = await tx.agent.update({
      where: { id: agent.id, operatorId },
      data: {
        ...decision.patch,
        version: { increment: 1 },
        ...(decision.endsTokens && { epoch: { increment: 1 } }),
      },
      include: withCurrentKey,
    })
    await audit({ action, subject: agent.did, operatorId, ...(reason !== undefined && { reason }) })
    return changed
  })
}

async function lockAgent(tx: Tx, operatorId: string, name: AgentName): Promise<AgentRecord> {
  const isNamed = 'id' in name ? Prisma.sql`id = ${name.id}::uuid` : Prisma.sql`did = ${name.did}`
  await tx.$queryRaw`SELECT 1 FROM agents WHERE operator_id = ${operatorId}::uuid AND ${isNamed} FOR UPDATE`
  // Read after locking: only a statement that begins after the lock sees what the previous lock holder committed.
  const agent = await findAgent(tx, operatorId, name)
  if (agent === null) throw new ApiError('AGENT_NOT_FOUND')
  return agent
}

const EXPIRY_BATCH = 100

/** Removes up to 100 expired pending agents. Returns true when there may be more. */
export function expirePending(prisma: PrismaClient, author: Author, now: Date): Promise<boolean> {
  return change(prisma, author, async (tx, audit) => {
    const expired = await tx.$queryRaw<{ did: string; operator_id: string }[]>`
      WITH taken AS MATERIALIZED (
        SELECT id FROM agents WHERE status = 'pending' AND expires_at <= ${now}
        ORDER BY expires_at LIMIT ${EXPIRY_BATCH} FOR UPDATE SKIP LOCKED
      )
      DELETE FROM agents WHERE id IN (SELECT id FROM taken) RETURNING did, operator_id`
    for (const { did, operator_id: operatorId } of expired) {
      await audit({ action: 'agent.expire', subject: did, operatorId })
    }
    return expired.length === EXPIRY_BATCH
  })
}

function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003'
}
