import type { PrismaClient } from '../../gen/prisma/client.ts'
import { describeEvidence, keepRule, type RuleAdmission, refusalForPlaces, writeResults } from '../attestation/index.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { Tx } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { addInception, type Enrolment, insertAgent, isForeignKeyViolation, type NewAgent } from './register-agent.ts'
import { type AgentRecord, currentKey, findAgent, lockRow } from './store.ts'

/**
 * Registers an agent that has met an enrolment rule: it is active and has the scopes of the rule. An agent that the
 * same rule has enrolled before, with the same key, gets new results. A pending agent with the same key becomes
 * active, because anybody can register a key as pending.
 *
 * @throws ApiError AGENT_EXISTS, TOO_MANY_AGENTS, EVIDENCE_USED, KEY_EVENT_CONFLICT, OPERATOR_NOT_ACTIVE,
 *   OPERATOR_FROZEN; OPERATOR_NOT_FOUND when the operator has just been removed; UNAVAILABLE when the rule or an
 *   attestor has just been changed
 */
export async function enrolAgent(
  prisma: PrismaClient,
  author: Author,
  agent: NewAgent,
  admission: RuleAdmission,
): Promise<AgentRecord> {
  const { operatorId, did } = agent
  try {
    return await change(prisma, author, async (tx, audit) => {
      await refuseStopped(tx, operatorId)
      await keepRule(tx, admission)
      const enrolment = { enrolmentRuleId: admission.ruleId, allowedScopes: [...admission.terms.scopes] }
      const isNew = await insertAgent(tx, agent, enrolment)
      if (!isNew) await readmit(tx, agent, enrolment)
      const record = await findAgent(tx, operatorId, { did })
      if (record === null) throw new ApiError('AGENT_EXISTS')
      await writeResults(tx, { id: record.id, did, keyThumbprint: agent.thumbprint }, admission.appraised)
      const reason = `rule ${admission.terms.name}; ${describeEvidence(admission.appraised)}`
      await audit({ action: 'agent.enrol', subject: did, operatorId, reason, principal: { kind: 'agent', did } })
      return record
    })
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new ApiError('OPERATOR_NOT_FOUND', undefined, { cause: error })
    throw refusalForPlaces(error, admission) ?? error
  }
}

/** The appraisal can take seconds, and its operator may have been suspended or frozen meanwhile. */
async function refuseStopped(tx: Tx, id: string): Promise<void> {
  const operator = await tx.operator.findUnique({ where: { id }, select: { status: true, frozenAt: true } })
  if (operator?.status !== 'active') throw new ApiError('OPERATOR_NOT_ACTIVE')
  if (operator.frozenAt !== null) throw new ApiError('OPERATOR_FROZEN')
}

/** Lets an agent that exists already enrol. Throws AGENT_EXISTS, KEY_EVENT_CONFLICT. */
async function readmit(tx: Tx, agent: NewAgent, enrolment: Enrolment): Promise<void> {
  const { operatorId, did, publicKey, inception, label, createdAt } = agent
  await lockRow(tx, operatorId, { did })
  const record = await findAgent(tx, operatorId, { did })
  const key = record === null ? undefined : currentKey(record)
  if (record === null || key === undefined || !Buffer.from(key).equals(publicKey)) throw new ApiError('AGENT_EXISTS')
  const { id, status } = record
  const version = { increment: 1 }
  if (status === 'active' && record.enrolmentRuleId === enrolment.enrolmentRuleId) {
    await tx.agent.update({ where: { id }, data: { version } })
    return
  }
  if (status !== 'pending') {
    throw new ApiError('AGENT_EXISTS', 'The agent exists already, and has not enrolled by this rule')
  }
  if (inception !== undefined) await addInception(tx, record, inception)
  const state = { status: 'active', approvedAt: createdAt, expiresAt: null } as const
  await tx.agent.update({ where: { id }, data: { ...enrolment, ...state, label, version } })
}
