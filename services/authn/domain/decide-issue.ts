import { parseDid } from '@auth4agent/core/identity/did'
import { ApiError } from '../../platform/errors/api-error.ts'
import { type AgentProof, checkStatuses, type ProvenKey, proveKey } from './agent-proof.ts'
import { decideDelegatedTtl } from './delegated-ttl.ts'
import type { Subject } from './subject.ts'
import { type RequestedTerms, resolveTerms, type TermDefaults, type TokenTerms } from './token-request.ts'

/**
 * Does the checks of a token request that need no database: steps 5 to 10 in docs/protocol.md section 6, in that
 * order.
 *
 * @param nowS Unix seconds
 * @returns the token's terms, and the key that has signed
 * @throws ApiError INVALID_SIGNATURE, the error of `proof.wrongKey`, BINDING_MISMATCH, BINDING_REQUIRED,
 *   AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE, SCOPE_NOT_ALLOWED, DELEGATION_NOT_ALLOWED, INVALID_TTL,
 *   UNAVAILABLE
 */
export function decideIssue(
  subject: Subject,
  proof: AgentProof,
  requested: RequestedTerms,
  defaults: TermDefaults,
  nowS: number,
): { readonly terms: TokenTerms; readonly key: ProvenKey } {
  const { agent, operator } = subject
  const key = proveKey(subject, proof, nowS)
  const terms = resolveTerms(proof.covered, requested, defaults)
  const needsBinding = agent.requireBoundChallenges || operator.requireBoundChallenges
  const isBound = proof.isFullyBound && proof.covered.may_act === terms.mayAct
  if (needsBinding && !isBound) throw proof.refusals.unbound()
  checkStatuses(subject)
  const excess = terms.scope.filter((scope) => !agent.allowedScopes.includes(scope))
  if (excess.length > 0) {
    // A comma is allowed in a scope-token, but it most likely means a list.
    const hint = excess.some((scope) => scope.includes(',')) ? '; separate scopes by spaces' : ''
    throw new ApiError('SCOPE_NOT_ALLOWED', `The agent's grant must include the scope "${excess.join(' ')}"${hint}`)
  }
  if (terms.mayAct === undefined) return { terms, key }
  checkMayAct(subject, terms.mayAct, key)
  const ttl = decideDelegatedTtl(proof.covered.ttl ?? requested.ttl, terms.ttl, operator.maxGrantTtl)
  return { terms: { ...terms, ttl }, key }
}

/** The policy for grants also decides who may exchange a token: both let another agent act for this one. */
function checkMayAct({ agent, operator }: Subject, mayAct: string, key: ProvenKey): void {
  if (key.addedKid !== '') throw refuseMayAct("may_act needs a signature by the agent's identity key")
  if (mayAct === agent.did) throw refuseMayAct('may_act must be another agent')
  if (agent.maxDelegationDepth === 0) {
    throw refuseMayAct('may_act must be left out, because the max_delegation_depth of the agent is 0')
  }
  const domains = [operator.domain, ...operator.delegateTo]
  if (domains.includes(parseDid(mayAct)?.domain ?? '')) return
  throw refuseMayAct(`may_act must be an agent of ${domains.join(' or ')}, the delegate_to of the operator`)
}

function refuseMayAct(detail: string): ApiError {
  return new ApiError('DELEGATION_NOT_ALLOWED', detail)
}
