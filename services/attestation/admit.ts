import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { Attestation } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { scopeFaultOfRule } from '../calls/server-scopes.ts'
import type { Tx } from '../platform/db/db.ts'
import { ApiError, hasDatabaseCode } from '../platform/errors/api-error.ts'
import { type Appraised, appraiseAttestation } from './appraise.ts'
import type { AttestationDeps } from './config.ts'
import { chooseRule } from './rules/choose-rule.ts'
import type { EnrolmentTerms } from './rules/enrolment-terms.ts'
import { WorkBudget } from './rules/work-budget.ts'
import { demandResults } from './standing.ts'
import { lockShared } from './store/fair-lock.ts'
import { readPolicy, type StoredRule } from './store/read-policy.ts'

/** An agent that wants to enrol. */
export interface EnrollingAgent {
  readonly operatorId: string
  readonly did: string
  /** Raw Ed25519 public key. */
  readonly publicKey: Uint8Array
}

/** An agent that may enrol by a rule. */
export interface RuleAdmission {
  readonly ruleId: string
  readonly edgeId: string
  readonly terms: EnrolmentTerms
  readonly label: string
  readonly appraised: readonly Appraised[]
}

/**
 * Appraises the evidence of an agent that enrols, and chooses the rule that it meets.
 *
 * @throws ApiError ATTESTATION_REQUIRED, and as appraiseAttestation and chooseRule do
 */
export async function admitAgent(
  deps: AttestationDeps,
  { operatorId, did, publicKey }: EnrollingAgent,
  attestation: Attestation,
): Promise<RuleAdmission> {
  const appraised = await appraiseAttestation(deps, attestation, { operatorId, purpose: 'enrol', publicKey })
  const { rules, requirements } = await readPolicy(deps.db.prisma, operatorId)
  const results = appraised.map(({ result }) => result)
  const budget = new WorkBudget()
  const { rule: terms, label } = chooseRule(
    rules.map((each) => each.terms),
    attestation.rule,
    results,
    deps.now(),
    budget,
  )
  refuseServerScopes(deps, terms)
  demandResults(requirements, { did, scopes: terms.scopes, results }, deps.now(), budget)
  const rule = ruleOf(rules, terms)
  return { ruleId: rule.id, edgeId: rule.edgeId, terms, label, appraised }
}

/**
 * Refuses a stored rule that gives a scope which no rule may give. It was put by an earlier version of the server.
 *
 * @throws ApiError ENROLMENT_REFUSED
 */
export function refuseServerScopes(
  { serverScopes }: Pick<AttestationDeps, 'serverScopes'>,
  terms: EnrolmentTerms,
): void {
  const fault = scopeFaultOfRule(serverScopes, terms.scopes)
  if (fault !== undefined) throw new ApiError('ENROLMENT_REFUSED', `The rule ${terms.name} must be put again. ${fault}`)
}

/**
 * Keeps a rule as it is until the transaction ends. Agents that enrol at the same time do not wait for each other.
 *
 * @throws ApiError UNAVAILABLE when the rule has changed since the decision
 */
export async function keepRule(tx: Tx, { ruleId, edgeId }: Pick<RuleAdmission, 'ruleId' | 'edgeId'>): Promise<void> {
  await lockShared(tx, [ruleId])
  const rule = await tx.enrolmentRule.findUnique({ where: { id: ruleId }, select: { edgeId: true } })
  if (rule?.edgeId === edgeId) return
  throw new ApiError('UNAVAILABLE', 'The enrolment rule was changed during the call; try again', {
    isFault: false,
    retryAfter: 1,
  })
}

/** The code with which a trigger refuses an agent beyond the limit of its rule, when the transaction commits. */
const NO_PLACE = 'A4A01'

/** Returns the refusal of an agent beyond the limit of its rule; undefined for every other error. */
export function refusalForPlaces(error: unknown, { terms }: Pick<RuleAdmission, 'terms'>): ApiError | undefined {
  return hasDatabaseCode(error, NO_PLACE) ? tooManyAgents(terms) : undefined
}

/**
 * Refuses when another agent of the rule would be beyond its limit.
 *
 * @throws ApiError TOO_MANY_AGENTS
 */
export async function checkFreePlace(
  prisma: PrismaClient,
  { ruleId, terms }: Pick<RuleAdmission, 'ruleId' | 'terms'>,
): Promise<void> {
  const count = await prisma.agent.count({ where: { enrolmentRuleId: ruleId, status: { not: 'revoked' } } })
  if (count >= terms.maxAgents) throw tooManyAgents(terms)
}

function tooManyAgents({ name, maxAgents }: EnrolmentTerms): ApiError {
  return new ApiError('TOO_MANY_AGENTS', `The enrolment rule ${name} must have at most ${maxAgents} agents`)
}

/** Returns what the audit says about evidence: attestors with the digests of their evidence. */
export function describeEvidence(appraised: readonly Appraised[]): string {
  return appraised.map(({ result, digest }) => `${result.attestor} sha-256:${digest}`).join(', ')
}

function ruleOf(rules: readonly StoredRule[], terms: EnrolmentTerms): StoredRule {
  const rule = rules.find((each) => each.terms === terms)
  if (rule === undefined) throw new Error('The chosen rule is one of the rules')
  return rule
}
