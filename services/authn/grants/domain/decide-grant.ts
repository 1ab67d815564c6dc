import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { type AgentProof, checkStatuses, proveKey } from '../../domain/agent-proof.ts'
import { decideDelegatedTtl } from '../../domain/delegated-ttl.ts'
import { splitCapability } from '../../domain/split-capability.ts'
import type { Subject } from '../../domain/subject.ts'
import { resolveTerm } from '../../domain/token-request.ts'
import type { RequestedGrant } from './grant-request.ts'

/** Terms of a root grant. */
export interface GrantTerms {
  readonly capabilities: Capabilities
  /** Seconds. */
  readonly ttl: number
  /** How many times the grant may be handed on. */
  readonly depth: number
  /** Domains whose agents may hold grants that come from it. */
  readonly allowedDomains: readonly string[]
}

/**
 * Does the checks of a request for a grant that need no database, in the order of docs/protocol.md section 6.
 *
 * @param times `ttl` is the lifetime when neither proof nor request contain one, in seconds; `nowS` is in Unix seconds
 * @throws ApiError INVALID_SIGNATURE, INVALID_ARGUMENT, BINDING_MISMATCH, BINDING_REQUIRED, AGENT_NOT_ACTIVE,
 *   AGENT_OPERATOR_NOT_ACTIVE, DELEGATION_NOT_ALLOWED, UNAVAILABLE, INVALID_TTL, SCOPE_NOT_ALLOWED; the error of
 *   `proof.wrongKey`
 */
export function decideGrant(
  subject: Subject,
  proof: AgentProof,
  requested: RequestedGrant,
  times: { readonly ttl: number; readonly nowS: number },
): GrantTerms {
  const { agent, operator } = subject
  const { covered } = proof
  // An added key may authenticate the agent, but not hand on its authority.
  if (proveKey(subject, proof, times.nowS).addedKid !== '') {
    throw new ApiError('INVALID_SIGNATURE', "The signature must be valid under the agent's identity key")
  }
  if (requested.holder !== undefined && requested.holder !== thumbprint(agent.publicKey)) {
    throw new ApiError('INVALID_ARGUMENT', 'req_cnf must contain the identity key of the agent')
  }
  if ([covered.scope, covered.aud, covered.may_act, covered.subject_token].some((term) => term !== undefined)) {
    throw new ApiError(
      'BINDING_MISMATCH',
      'The signed challenge or assertion must not be bound to scope, audience, may_act or subject_token',
    )
  }
  resolveTerm('authorization_details', covered.details, requested.wanted.digest)
  const asked = {
    ttl: resolveTerm('ttl', covered.ttl, requested.ttl),
    depth: resolveTerm('max_depth', covered.depth, requested.depth),
  }
  const isBound = covered.details !== undefined && covered.ttl !== undefined && covered.depth !== undefined
  if ((agent.requireBoundChallenges || operator.requireBoundChallenges) && !isBound) {
    throw new ApiError('BINDING_REQUIRED', UNBOUND)
  }
  checkStatuses(subject)
  const { capabilities } = requested.wanted
  const terms = {
    capabilities,
    depth: decideDepth(asked.depth, agent.maxDelegationDepth),
    ttl: decideDelegatedTtl(asked.ttl, times.ttl, operator.maxGrantTtl),
    allowedDomains: [...new Set([operator.domain, ...operator.delegateTo])],
  }
  checkScopes(capabilities, agent.allowedScopes)
  return terms
}

const UNBOUND =
  'The signed challenge must contain authorization_details, ttl and max_depth, because the operator requires it; a ' +
  'client assertion cannot, so the agent must use IssueGrant'

function decideDepth(asked: number | undefined, limit: number): number {
  if (limit === 0) {
    throw new ApiError('DELEGATION_NOT_ALLOWED', 'The agent gets no grants, because its max_delegation_depth is 0')
  }
  const depth = asked ?? limit
  if (depth <= limit) return depth
  throw new ApiError(
    'DELEGATION_NOT_ALLOWED',
    `max_depth must be at most ${limit}, the max_delegation_depth of the agent`,
  )
}

function checkScopes(capabilities: Capabilities, allowed: readonly string[]): void {
  const scopes = new Set(Array.from(capabilities.keys(), (capability) => splitCapability(capability).scope))
  const excess = [...scopes].filter((scope) => !allowed.includes(scope))
  if (excess.length > 0) {
    throw new ApiError('SCOPE_NOT_ALLOWED', `The agent's allowed scopes must include "${excess.join(' ')}"`)
  }
}
