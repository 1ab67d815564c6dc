import type { Attestation } from '../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { type Attestation as AttestationService, toResultMessage } from '../attestation/index.ts'
import type { Call } from '../calls/call.ts'
import type { Db } from '../platform/db/db.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { parseAgentName } from './domain/parse-agent-name.ts'
import { enrolAgent } from './enrol-agent.ts'
import type { NewAgent } from './register-agent.ts'
import { findAgent, toStandingAgent } from './store.ts'

/** Dependencies of enrol and demandResults. */
interface EnrolDeps {
  readonly db: Pick<Db, 'prisma'>
  readonly attestation: Pick<AttestationService, 'admit' | 'checkRegistration'>
}

/** An agent that does not exist yet has no results. */
export const NEW_AGENT = { id: '', enrolmentRuleId: null, keyThumbprint: undefined }

/**
 * Registers an agent by its evidence.
 *
 * @throws ApiError INVALID_ARGUMENT, and as admitAgent and enrolAgent do
 */
export async function enrol(deps: EnrolDeps, call: Call, agent: NewAgent, evidence: Attestation) {
  if (agent.isApproved) {
    throw new ApiError('INVALID_ARGUMENT', 'An agent with attestation enrols itself, so leave out the assertion')
  }
  if (agent.label !== '') throw new ApiError('INVALID_ARGUMENT', 'label must be empty, because the rule gives it')
  const admission = await deps.attestation.admit(agent, evidence)
  const enrolled = { ...agent, label: admission.label, isApproved: true }
  const { id, did, status, allowedScopes } = await enrolAgent(deps.db.prisma, call, enrolled, admission)
  return {
    id,
    did,
    status,
    rule: admission.terms.name,
    allowedScopes,
    attestationResults: admission.appraised.map(({ result }) => toResultMessage(result)),
  }
}

/**
 * Refuses to give an agent scopes, or to make it active, without the results that it needs.
 *
 * @throws ApiError AGENT_NOT_FOUND, ATTESTATION_REQUIRED
 */
export async function demandResults(deps: EnrolDeps, operatorId: string, name: string, scopes: readonly string[]) {
  const agent = await findAgent(deps.db.prisma, operatorId, parseAgentName(name))
  if (agent !== null) await deps.attestation.checkRegistration(toStandingAgent(agent), scopes)
}
