import { parseDid } from '@auth4agent/core/identity/did'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { Attestation } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { type Author, change } from '../ledger/ledger.ts'
import type { Tx } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import type { Cause } from '../platform/trace/span.ts'
import { describeEvidence } from './admit.ts'
import { type Appraised, appraiseAttestation } from './appraise.ts'
import type { AttestationDeps } from './config.ts'
import type { Purpose } from './nonce.ts'
import { judge } from './rules/judge.ts'
import type { CurrentResult } from './rules/results.ts'
import { WorkBudget } from './rules/work-budget.ts'
import { readPolicy, type StoredRule } from './store/read-policy.ts'
import { readResults, writeResults } from './store/results.ts'

/** An agent that attests, and for which call. */
interface Attesting {
  readonly did: string
  readonly attestation: Attestation
  readonly purpose: Exclude<Purpose, 'enrol'>
}

/**
 * Appraises the evidence of a registered agent, and keeps the results. The agent authenticates by its signatures over
 * the evidence.
 *
 * @throws ApiError INVALID_DID, AGENT_NOT_FOUND, AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE, ENROLMENT_REFUSED,
 *   EVIDENCE_USED, RATE_LIMITED, and as appraiseAttestation does
 */
export async function attestAgent(
  deps: AttestationDeps,
  author: Author,
  { did, attestation, purpose }: Attesting,
): Promise<readonly CurrentResult[]> {
  const agent = await findAttester(deps, did, author)
  const appraised = await appraiseAttestation(deps, attestation, { ...agent, purpose })
  const results = appraised.map(({ result }) => result)
  if (agent.enrolmentRuleId !== null) {
    const { rules } = await readPolicy(deps.db.prisma, agent.operatorId)
    const rule = rules.find(({ id }) => id === agent.enrolmentRuleId)
    await checkRule(deps, rule, agent, results)
  }
  deps.limitResults(agent.operatorId)
  await change(deps.db.prisma, author, async (tx, audit) => {
    await keepResults(tx, agent, appraised)
    await audit({
      action: 'agent.attest',
      subject: did,
      operatorId: agent.operatorId,
      reason: describeEvidence(appraised),
      principal: { kind: 'agent', did },
    })
  })
  return results
}

type Attester = Awaited<ReturnType<typeof findAttester>>

async function findAttester({ db, operators }: AttestationDeps, did: string, cause: Cause) {
  const domain = parseDid(did)?.domain
  if (domain === undefined) throw new ApiError('INVALID_DID')
  const { operator } = await operators.lookupOperator({ by: { case: 'domain', value: domain } }, cause)
  if (operator === undefined) throw new ApiError('AGENT_NOT_FOUND')
  const agent = await db.prisma.agent.findUnique({
    where: { operatorId_did: { operatorId: operator.id, did } },
    include: { keys: { where: { retiredAt: null } } },
  })
  const publicKey = agent?.keys[0]?.publicKey
  if (agent === null || publicKey === undefined) throw new ApiError('AGENT_NOT_FOUND')
  if (operator.status !== 'active') throw new ApiError('AGENT_OPERATOR_NOT_ACTIVE')
  if (agent.status !== 'active') throw new ApiError('AGENT_NOT_ACTIVE')
  const { id, enrolmentRuleId } = agent
  return { id, did, operatorId: operator.id, publicKey, keyThumbprint: thumbprint(publicKey), enrolmentRuleId }
}

/** An agent that no longer meets its rule must not look fresh. */
async function checkRule(
  deps: AttestationDeps,
  rule: StoredRule | undefined,
  { id, keyThumbprint }: Attester,
  results: readonly CurrentResult[],
): Promise<void> {
  if (rule === undefined) throw new ApiError('ENROLMENT_REFUSED', 'The enrolment rule of the agent is gone')
  const kept = await readResults(deps.db.prisma, id, keyThumbprint)
  const others = kept.filter(({ attestorId }) => !results.some((each) => each.attestorId === attestorId))
  const now = deps.now()
  const { metUntil, lack } = judge(rule.terms, [...others, ...results], now, new WorkBudget())
  if (metUntil <= now) throw new ApiError('ENROLMENT_REFUSED', `The enrolment rule ${rule.terms.name}: ${lack}`)
}

/** Writes the results, unless the agent has changed its key or its status since the appraisal. */
async function keepResults(tx: Tx, agent: Attester, appraised: readonly Appraised[]): Promise<void> {
  const changed = await tx.$executeRaw`
    UPDATE agents SET version = version + 1 WHERE id = ${agent.id}::uuid AND status = 'active'
      AND EXISTS (SELECT 1 FROM agent_keys k WHERE k.agent_id = agents.id AND k.retired_at IS NULL
        AND k.thumbprint = ${agent.keyThumbprint})`
  if (changed === 0) throw new ApiError('AGENT_NOT_ACTIVE', 'The agent was changed during the call')
  await writeResults(tx, agent, appraised)
}
