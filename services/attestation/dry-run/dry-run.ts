import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { generateKeyPair } from '@auth4agent/core/keys/ed25519'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type {
  DryRunRulesRequest,
  DryRunRulesResponseSchema,
  EnrolmentRule,
} from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'

import { ApiError } from '../../platform/errors/api-error.ts'
import { checkPublicKey } from '../../platform/requests/check-public-key.ts'
import { checkFreePlace, refuseServerScopes } from '../admit.ts'
import { checkEvidence } from '../appraise.ts'
import type { AttestationDeps } from '../config.ts'
import { chooseRule } from '../rules/choose-rule.ts'
import { invalidRule } from '../rules/demands.ts'
import { type EnrolmentTerms, parseEnrolmentRule } from '../rules/enrolment-terms.ts'
import { type ExplainedRule, explainRule } from '../rules/explain-rule.ts'
import type { CurrentResult } from '../rules/results.ts'
import { WorkBudget } from '../rules/work-budget.ts'
import { demandResults } from '../standing.ts'
import { type AttestationPolicy, readAttestors, readPolicy } from '../store/read-policy.ts'
import { checkAttestors } from '../store/rules.ts'
import { tryEvidence } from './try-evidence.ts'

const MAX_RULES = 64
/** Characters of the conditions of all drafts. Each call compiles them anew. */
const MAX_CONDITIONS = 16_384

/**
 * Tells what evidence would give an agent that enrols with it. It changes nothing, and uses nothing up.
 *
 * @throws ApiError INVALID_ARGUMENT, INVALID_PUBLIC_KEY, INVALID_RULE, INVALID_SCOPE, INVALID_AUDIENCE
 */
export async function dryRun(
  deps: AttestationDeps,
  { operatorId, agentPublicKey, attestation, rules: drafts }: DryRunRulesRequest,
): Promise<MessageInitShape<typeof DryRunRulesResponseSchema>> {
  if (attestation === undefined) throw new ApiError('INVALID_ARGUMENT', 'attestation must not be missing')
  checkEvidence(attestation.evidence)
  const namesKey = agentPublicKey.length > 0
  const publicKey = namesKey ? checkPublicKey('agent_public_key', agentPublicKey) : generateKeyPair().publicKey
  const policy = await readPolicy(deps.readDb.prisma, operatorId)
  const rules =
    drafts.length === 0 ? policy.rules.map(({ terms }) => terms) : await parseDrafts(deps, operatorId, drafts)
  const trial = { operatorId, publicKey, namesKey, nonce: attestation.nonce }
  const tried = []
  const names = attestation.evidence.map(({ attestor }) => attestor)
  const attestors = await readAttestors(deps.readDb.prisma, operatorId, names)
  for (const evidence of attestation.evidence) {
    tried.push(await tryEvidence(deps, attestors, evidence, trial))
  }
  const results = tried.map(({ result }) => result).filter((result) => result !== undefined)
  const budget = new WorkBudget()
  const refusal = tried.find((each) => each.refusal !== '')?.refusal
  const end =
    refusal === undefined
      ? await decide(deps, policy, rules, { ...trial, rule: attestation.rule, results, budget })
      : { chosenRule: '', refusal }
  return {
    evidence: tried.map(({ message }) => message),
    rules: rules.map((terms) => toTriedRule(explainRule(terms, results, deps.now(), budget))),
    ...end,
  }
}

async function parseDrafts(
  { readDb, serverScopes }: AttestationDeps,
  operatorId: string,
  drafts: readonly EnrolmentRule[],
): Promise<EnrolmentTerms[]> {
  if (drafts.length > MAX_RULES) throw invalidRule(`rules must have at most ${MAX_RULES} entries`)
  if (drafts.reduce((sum, draft) => sum + draft.when.length, 0) > MAX_CONDITIONS) {
    throw invalidRule(`The conditions of rules must have at most ${MAX_CONDITIONS} characters together`)
  }
  const rules = drafts.map((draft) => parseEnrolmentRule(draft, draft.name, serverScopes))
  if (new Set(rules.map(({ name }) => name)).size < rules.length) throw invalidRule('rules must not have a name twice')
  for (const terms of rules) await checkAttestors(readDb.prisma, operatorId, terms)
  return rules
}

interface Attempt {
  readonly operatorId: string
  readonly publicKey: Uint8Array
  /** The rule that the request names; empty for none. */
  readonly rule: string
  readonly results: readonly CurrentResult[]
  readonly budget: WorkBudget
}

/** Decides as RegisterAgent would, but turns its refusal into text. */
async function decide(
  deps: AttestationDeps,
  { requirements, rules: stored }: AttestationPolicy,
  rules: readonly EnrolmentTerms[],
  { operatorId, publicKey, rule: named, results, budget }: Attempt,
): Promise<{ readonly chosenRule: string; readonly refusal: string }> {
  try {
    const { rule } = chooseRule(rules, named, results, deps.now(), budget)
    refuseServerScopes(deps, rule)
    const did = await didOf(deps, operatorId, publicKey)
    demandResults(requirements, { did, scopes: rule.scopes, results }, deps.now(), budget)
    const ruleId = stored.find(({ terms }) => terms === rule)?.id
    if (ruleId !== undefined) await checkFreePlace(deps.readDb.prisma, { ruleId, terms: rule })
    return { chosenRule: rule.name, refusal: '' }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { chosenRule: '', refusal: error.message }
  }
}

async function didOf({ readDb }: AttestationDeps, operatorId: string, publicKey: Uint8Array): Promise<string> {
  const operator = await readDb.prisma.operator.findUnique({ where: { id: operatorId }, select: { domain: true } })
  if (operator === null) throw new ApiError('OPERATOR_NOT_FOUND')
  return formatDid(operator.domain, fingerprint(publicKey))
}

function toTriedRule({ conditions, scopes, ...rule }: ExplainedRule) {
  return {
    ...rule,
    scopes: [...scopes],
    conditions: conditions.map(({ seen, ...condition }) => ({ ...condition, seen: [...seen] })),
  }
}
