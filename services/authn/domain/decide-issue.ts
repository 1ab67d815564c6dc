import type { AgentSnapshot, OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type AgentProof, checkSignature, checkStatuses } from './agent-proof.ts'
import { type RequestedTerms, resolveTerms, type TermDefaults, type TokenTerms } from './token-request.ts'

/** An agent and its operator, as the directory returned them in one answer. */
export interface Subject {
  readonly agent: AgentSnapshot
  readonly operator: OperatorSnapshot
}

/**
 * Does the checks of a token request that need no database: steps 5 to 10 in docs/protocol.md section 6, in that
 * order.
 *
 * @returns the token's terms.
 * @throws ApiError INVALID_SIGNATURE, BINDING_MISMATCH, BINDING_REQUIRED, AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE,
 *   SCOPE_NOT_ALLOWED
 */
export function decideIssue(
  subject: Subject,
  proof: AgentProof,
  requested: RequestedTerms,
  defaults: TermDefaults,
): TokenTerms {
  const { agent, operator } = subject
  checkSignature(subject, proof)
  const terms = resolveTerms(proof.covered, requested, defaults)
  const needsBinding = agent.requireBoundChallenges || operator.requireBoundChallenges
  if (needsBinding && !proof.isFullyBound) throw proof.refusals.unbound()
  checkStatuses(subject)
  const excess = terms.scope.filter((scope) => !agent.allowedScopes.includes(scope))
  if (excess.length > 0) {
    // A comma is allowed in a scope-token, but it most likely means a list.
    const hint = excess.some((scope) => scope.includes(',')) ? '; separate scopes by spaces' : ''
    throw new ApiError('SCOPE_NOT_ALLOWED', `The agent's grant must include the scope "${excess.join(' ')}"${hint}`)
  }
  return terms
}
