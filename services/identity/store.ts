import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { Prisma, type PrismaClient } from '../../gen/prisma/client.ts'
import type { AuditAction } from '../ledger/audit-action.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { Tx } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { ChangeDecision } from './domain/decision.ts'
import type { AgentName } from './domain/parse-agent-name.ts'
import type { AgentPage } from './domain/parse-page.ts'

const withKeys = {
  keys: { where: { retiredAt: null } },
  addedKeys: { orderBy: { thumbprint: 'asc' } },
} satisfies Prisma.AgentInclude

/** An agent with its current identity key and its added keys. */
export type AgentRecord = Prisma.AgentGetPayload<{ include: typeof withKeys }>

/** Returns the agent's current identity key, raw. */
export function currentKey({ keys: [current] }: AgentRecord): Uint8Array | undefined {
  return current?.publicKey
}

/** Returns the added keys of an agent: those that have not expired at a time, or all. */
export function addedKeysOf({ addedKeys }: AgentRecord, at?: Date) {
  return addedKeys.flatMap(({ thumbprint: kid, publicJwk, expiresAt }) => {
    const jwk = readPublicJwk(publicJwk)
    const isExpired = at !== undefined && expiresAt <= at
    return jwk === undefined || jwk.kty === 'RSA' || isExpired
      ? []
      : [{ kid, jwk, exp: Math.floor(expiresAt.getTime() / 1000) }]
  })
}

/** Returns an agent as attestation sees it. */
export function toStandingAgent({ id, did, operatorId, enrolmentRuleId, keys: [current] }: AgentRecord) {
  return { id, did, operatorId, enrolmentRuleId, keyThumbprint: current?.thumbprint }
}

/** Returns the names of the rules by which agents have enrolled; for a rule that is gone, its id. */
export async function readRuleNames(
  prisma: PrismaClient,
  agents: readonly Pick<AgentRecord, 'enrolmentRuleId'>[],
): Promise<(agent: Pick<AgentRecord, 'enrolmentRuleId'>) => string> {
  const ids = agents.flatMap(({ enrolmentRuleId }) => (enrolmentRuleId === null ? [] : [enrolmentRuleId]))
  if (ids.length === 0) return () => ''
  const rules = await prisma.enrolmentRule.findMany({ where: { id: { in: ids } }, select: { id: true, name: true } })
  const names = new Map(rules.map(({ id, name }) => [id, name]))
  return ({ enrolmentRuleId: id }) => (id === null ? '' : (names.get(id) ?? id))
}

/** Returns the DIDs that the agent has after and before a move. */
export function otherDidsOf({ movedTo, movedFrom }: AgentRecord): string[] {
  return [movedTo, movedFrom].filter((did) => did !== null)
}

/** Finds the operator's agent with this id or DID. */
export function findAgent(prisma: PrismaClient | Tx, operatorId: string, name: AgentName): Promise<AgentRecord | null> {
  return prisma.agent.findFirst({ where: { operatorId, ...name }, include: withKeys })
}

/** The smallest UUID. No agent has it. */
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

/** Lists one page of the operator's agents, oldest first. `next` is the id after which the next page begins. */
export async function listAgents(
  prisma: PrismaClient,
  operatorId: string,
  { size, after, statuses }: AgentPage,
): Promise<{ agents: AgentRecord[]; next: string | undefined }> {
  // Each status by itself, so that each reads only the beginning of its part of the index agents_operator_status. Only
  // this index has the order of status and id. For the order of the id alone, PostgreSQL may walk all operators'
  // agents.
  const page = await prisma.$queryRaw<{ id: string }[]>`
    SELECT one.id::text FROM unnest(${[...statuses]}::text[]) AS wanted (name)
    CROSS JOIN LATERAL (SELECT wanted.name::agent_status AS status OFFSET 0) asked
    CROSS JOIN LATERAL (
      SELECT id FROM agents WHERE operator_id = ${operatorId}::uuid
        AND (status, id) > (asked.status, ${after ?? BEFORE_ALL}::uuid) AND status <= asked.status
      ORDER BY status, id LIMIT ${size + 1}
    ) one ORDER BY one.id LIMIT ${size + 1}`
  const agents = await prisma.agent.findMany({
    where: { id: { in: page.slice(0, size).map(({ id }) => id) }, operatorId, status: { in: [...statuses] } },
    orderBy: { id: 'asc' },
    include: withKeys,
  })
  // An agent may have got another status meanwhile.
  return { agents, next: page.length > size ? page[size - 1]?.id : undefined }
}

/** A change of one agent of one operator. `decide` gets the agent after the agent's row has been locked. */
export interface AgentChange {
  readonly operatorId: string
  readonly name: AgentName
  readonly action: AuditAction
  readonly reason?: string
  readonly decide: (agent: AgentRecord) => ChangeDecision
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
      include: withKeys,
    })
    await audit({ action, subject: agent.did, operatorId, ...(reason !== undefined && { reason }) })
    return changed
  })
}

/** Locks the row of an operator's agent until the transaction ends. */
export async function lockRow(tx: Tx, operatorId: string, name: AgentName): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM agents WHERE operator_id = ${operatorId}::uuid AND ${isNamed(name)} FOR UPDATE`
}

/** Returns the SQL condition for the agent's name. */
export function isNamed(name: AgentName): Prisma.Sql {
  return 'id' in name ? Prisma.sql`id = ${name.id}::uuid` : Prisma.sql`did = ${name.did}`
}

async function lockAgent(tx: Tx, operatorId: string, name: AgentName): Promise<AgentRecord> {
  await lockRow(tx, operatorId, name)
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
    await audit(
      ...expired.map(({ did, operator_id: operatorId }) => ({
        action: 'agent.expire' as const,
        subject: did,
        operatorId,
      })),
    )
    return expired.length === EXPIRY_BATCH
  })
}
