import type { AttestationPolicyService } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { checkLabel } from '../../platform/requests/check-text.ts'
import type { AttestationDeps } from '../config.ts'
import { dryRun } from '../dry-run/dry-run.ts'
import { parseEnrolmentRule } from '../rules/enrolment-terms.ts'
import { parseRequirement } from '../rules/requirement-terms.ts'
import { deleteAttestor, listAttestors, putAttestor } from '../store/attestors.ts'
import { createJoinToken, deleteJoinToken, listJoinTokens } from '../store/join-tokens.ts'
import { readPolicy } from '../store/read-policy.ts'
import { deleteRequirement, deleteRule, putRequirement, putRule } from '../store/rules.ts'
import { readNewAttestor } from './read-new-attestor.ts'
import { toAttestor, toEnrolmentRule, toJoinToken, toRequirement } from './to-message.ts'

const MIN_TOKEN_TTL = 60
const MAX_TOKEN_TTL = 604_800
const DEFAULT_TOKEN_TTL = 3600

type PolicyHandlers = Handlers<typeof AttestationPolicyService>

/** Creates the handlers of AttestationPolicyService. */
export function createAttestationPolicy(deps: AttestationDeps): PolicyHandlers {
  return {
    ...attestorRoutes(deps),
    ...joinTokenRoutes(deps),
    ...ruleRoutes(deps),
    ...requirementRoutes(deps),
    dryRunRules: (request) => dryRun(deps, request),
  }
}

function attestorRoutes({
  db,
  readDb,
  types,
}: AttestationDeps): Pick<PolicyHandlers, 'putAttestor' | 'listAttestors' | 'deleteAttestor'> {
  return {
    async putAttestor(request, call) {
      const { operatorId, keepResults } = request
      const wanted = readNewAttestor(request, types)
      return { attestor: toAttestor(await putAttestor(db.prisma, call, operatorId, wanted, keepResults)) }
    },
    async listAttestors({ operatorId }) {
      return { attestors: (await listAttestors(readDb.prisma, operatorId)).map(toAttestor) }
    },
    async deleteAttestor({ operatorId, name }, call) {
      return { deletedResults: await deleteAttestor(db.prisma, call, operatorId, name) }
    },
  }
}

function joinTokenRoutes({
  db,
  readDb,
  now,
}: AttestationDeps): Pick<PolicyHandlers, 'createJoinToken' | 'listJoinTokens' | 'deleteJoinToken'> {
  return {
    async createJoinToken(request, call) {
      const label = checkLabel(request.label)
      if (label === '') throw new ApiError('INVALID_ARGUMENT', 'label must not be empty')
      const terms = { label, ttl: parseTokenTtl(request.ttl) }
      const { row, secret } = await createJoinToken({ prisma: db.prisma, now }, call, request, terms)
      return { joinToken: toJoinToken(row), secret }
    },
    async listJoinTokens(request) {
      return { joinTokens: (await listJoinTokens({ prisma: readDb.prisma, now }, request)).map(toJoinToken) }
    },
    async deleteJoinToken(request, call) {
      await deleteJoinToken(db.prisma, call, request, request.id)
      return {}
    },
  }
}

function ruleRoutes({
  db,
  readDb,
  serverScopes,
}: AttestationDeps): Pick<PolicyHandlers, 'putEnrolmentRule' | 'listEnrolmentRules' | 'deleteEnrolmentRule'> {
  return {
    async putEnrolmentRule({ operatorId, name, rule }, call) {
      const terms = parseEnrolmentRule(rule, name, serverScopes)
      await putRule(db.prisma, call, operatorId, terms)
      return { rule: toEnrolmentRule(terms) }
    },
    async listEnrolmentRules({ operatorId }) {
      const { rules } = await readPolicy(readDb.prisma, operatorId)
      return { rules: rules.map(({ terms }) => toEnrolmentRule(terms)) }
    },
    async deleteEnrolmentRule({ operatorId, name }, call) {
      await deleteRule(db.prisma, call, operatorId, name)
      return {}
    },
  }
}

function requirementRoutes({
  db,
  readDb,
}: AttestationDeps): Pick<
  PolicyHandlers,
  'putAttestationRequirement' | 'listAttestationRequirements' | 'deleteAttestationRequirement'
> {
  return {
    async putAttestationRequirement({ operatorId, name, requirement }, call) {
      const terms = parseRequirement(requirement, name)
      await putRequirement(db.prisma, call, operatorId, terms)
      return { requirement: toRequirement(terms) }
    },
    async listAttestationRequirements({ operatorId }) {
      const { requirements } = await readPolicy(readDb.prisma, operatorId)
      return { requirements: requirements.map(toRequirement) }
    },
    async deleteAttestationRequirement({ operatorId, name }, call) {
      await deleteRequirement(db.prisma, call, operatorId, name)
      return {}
    },
  }
}

function parseTokenTtl(ttl: number): number {
  if (ttl === 0) return DEFAULT_TOKEN_TTL
  if (ttl >= MIN_TOKEN_TTL && ttl <= MAX_TOKEN_TTL) return ttl
  throw new ApiError('INVALID_ARGUMENT', `ttl must be between ${MIN_TOKEN_TTL} and ${MAX_TOKEN_TTL} seconds, or 0`)
}
