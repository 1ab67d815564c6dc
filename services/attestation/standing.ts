import type { MessageInitShape } from '@bufbuild/protobuf'
import type { PrismaClient } from '../../gen/prisma/client.ts'
import type { AgentSnapshotSchema } from '../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { matchesPattern } from '../platform/requests/matches-pattern.ts'
import { judge } from './rules/judge.ts'
import type { RequirementTerms } from './rules/requirement-terms.ts'
import type { CurrentResult } from './rules/results.ts'
import { WorkBudget } from './rules/work-budget.ts'
import { type AttestationPolicy, readPolicy } from './store/read-policy.ts'
import { readResults } from './store/results.ts'

/** An agent whose standing is asked. */
export interface StandingAgent {
  readonly id: string
  readonly did: string
  readonly operatorId: string
  readonly enrolmentRuleId: string | null
  /** RFC 7638 thumbprint of the current identity key; undefined if it has none. */
  readonly keyThumbprint: string | undefined
}

/** What attestation says about the tokens of an agent: fields of AgentSnapshot. */
export type AttestationStanding = Pick<
  MessageInitShape<typeof AgentSnapshotSchema>,
  'enrolment' | 'demands' | 'findings'
>

/**
 * Reads what attestation says about an agent. The caller has read the versions of the agent and of its operator
 * before, so a change during this call makes the copy stale.
 */
export async function readStanding(
  prisma: PrismaClient,
  agent: StandingAgent,
  now: number,
): Promise<AttestationStanding> {
  const policy = await readPolicy(prisma, agent.operatorId)
  const results = await resultsOf(prisma, agent)
  const rule = policy.rules.find(({ id }) => id === agent.enrolmentRuleId)
  const requirements = policy.requirements.filter((terms) => concerns(terms, agent.did) && isAt(terms, 'token'))
  const demands = [...(rule === undefined ? [] : [{ ...rule.terms, ...EVERYTHING }]), ...requirements]
  const budget = new WorkBudget()
  return {
    ...(agent.enrolmentRuleId !== null && { enrolment: boundsOf(rule) }),
    demands: demands.map((terms) => {
      const { metUntil, attestorIds, lack } = judge(terms, results, now, budget)
      const edges = terms.endTokens ? [...attestorIds] : []
      const { name, scopes, audiences } = terms
      return { name, scopes: [...scopes], audiences: [...audiences], metUntil: BigInt(metUntil), edges, lack }
    }),
    findings: results.map(({ attestor, type, level, verifiedAt, expiresAt }) => ({
      attestor,
      type,
      level,
      at: BigInt(Math.floor(verifiedAt / 1000)),
      expiresAt: BigInt(expiresAt),
    })),
  }
}

/**
 * Refuses to make an agent active, or to give it scopes, unless its results meet the operator's requirements for that.
 *
 * @param scopes the scopes that the agent gets; empty if it only becomes active
 * @throws ApiError ATTESTATION_REQUIRED
 */
export async function checkRegistration(
  prisma: PrismaClient,
  agent: StandingAgent,
  scopes: readonly string[],
  now: number,
): Promise<void> {
  const { requirements } = await readPolicy(prisma, agent.operatorId)
  if (requirements.length === 0) return
  const results = await resultsOf(prisma, agent)
  demandResults(requirements, { did: agent.did, scopes, results }, now, new WorkBudget())
}

/**
 * Refuses an agent whose results do not meet the requirements for becoming active and getting these scopes.
 *
 * @throws ApiError ATTESTATION_REQUIRED
 */
export function demandResults(
  requirements: readonly RequirementTerms[],
  agent: { readonly did: string; readonly scopes: readonly string[]; readonly results: readonly CurrentResult[] },
  now: number,
  budget: WorkBudget,
): void {
  for (const terms of requirements) {
    if (!isNeededFor(terms, agent.did, agent.scopes)) continue
    const { metUntil, lack } = judge(terms, agent.results, now, budget)
    if (metUntil <= now) throw new ApiError('ATTESTATION_REQUIRED', `The requirement ${terms.name}: ${lack}`)
  }
}

/** A rule bounds all tokens of its agents. */
const EVERYTHING = { scopes: [], audiences: [] }

function boundsOf(rule: AttestationPolicy['rules'][number] | undefined) {
  // Without its rule, an agent has no edge, and gets no token.
  if (rule === undefined) return { edge: '' }
  const { scopes, audiences, tokenTtl } = rule.terms
  return { edge: rule.edgeId, scopes: [...scopes], audiences: [...audiences], tokenTtl }
}

async function resultsOf(prisma: PrismaClient, { id, keyThumbprint }: StandingAgent): Promise<CurrentResult[]> {
  return keyThumbprint === undefined ? [] : readResults(prisma, id, keyThumbprint)
}

/** A requirement for some audiences says nothing about registration, because an agent registers for none. */
function isNeededFor(terms: RequirementTerms, did: string, scopes: readonly string[]): boolean {
  if (!isAt(terms, 'registration') || !concerns(terms, did) || terms.audiences.length > 0) return false
  return (
    terms.scopes.length === 0 || scopes.some((scope) => terms.scopes.some((pattern) => matchesPattern(pattern, scope)))
  )
}

function concerns({ agents }: RequirementTerms, did: string): boolean {
  return agents.length === 0 || agents.includes(did)
}

function isAt({ at }: RequirementTerms, moment: 'registration' | 'token'): boolean {
  return at.length === 0 || at.includes(moment)
}
