import type { Capabilities } from '@auth4agent/core/delegation/constraint'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { ApiError } from '../../../platform/errors/api-error.ts'
import { type AgentProof, checkStatuses, proveIdentityKey } from '../../domain/agent-proof.ts'
import type { Subject } from '../../domain/decide-issue.ts'
import { splitCapability } from '../../domain/split-capability.ts'
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
 * @param defaultTtl lifetime in seconds when neither challenge nor request contain one
 * @throws ApiError INVALID_SIGNATURE, INVALID_ARGUMENT, BINDING_MISMATCH, BINDING_REQUIRED, AGENT_NOT_ACTIVE,
 *   AGENT_OPERATOR_NOT_ACTIVE, DELEGATION_NOT_ALLOWED, UNAVAILABLE, INVALID_TTL, SCOPE_NOT_ALLOWED
 */
export function decideGrant(
  subject: Subject,
  proof: AgentProof,
  requested: RequestedGrant,
  defaultTtl: number,
): GrantTerms {
  const { agent, operator } = subject
  const { covered } = proof
  proveIdentityKey(subject, proof)
  if (requested.holder !== undefined && requested.holder !== thumbprint(agent.publicKey)) {
    throw new ApiError('INVALID_ARGUMENT', 'req_cnf must contain the identity key of the agent')
  }
  if (covered.scope !== undefined || covered.aud !== undefined || covered.may_act !== undefined) {
    throw new ApiError(
      'BINDING_MISMATCH',
      'The challenge is bound to scope, audience or may_act, so it gives a token and no grant',
    )
  }
  resolveTerm('authorization_details', covered.details, requested.wanted.digest)
  const asked = {
    ttl: resolveTerm('ttl', covered.ttl, requested.ttl),
    depth: resolveTerm('max_depth', covered.depth, requested.depth),
  }
  const isBound = covered.details !== undefined && covered.ttl !== undefined && covered.depth !== undefined
  if ((agent.requireBoundChallenges || operator.requireBoundChallenges) && !isBound) {
    throw new ApiError('BINDING_REQUIRED', 'The challenge must contain authorization_details, ttl and max_depth')
  }
  checkStatuses(subject)
  const { capabilities } = requested.wanted
  const terms = {
    capabilities,
    depth: decideDepth(asked.depth, agent.maxDelegationDepth),
    ttl: decideTtl(asked.ttl, defaultTtl, operator.maxGrantTtl),
    allowedDomains: [...new Set([operator.domain, ...operator.delegateTo])],
  }
  checkScopes(capabilities, agent.allowedScopes)
  return terms
}

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

const UNKNOWN_LIMIT = 'The operator registry must be upgraded: it does not tell the max_grant_ttl of the operator'

/** A registry of this version never sends 0. Its operator may allow less than an older registry can tell. */
function decideTtl(asked: number | undefined, defaultTtl: number, maxGrantTtl: number): number {
  if (maxGrantTtl === 0) throw new ApiError('UNAVAILABLE', UNKNOWN_LIMIT)
  if (asked === undefined) return Math.min(defaultTtl, maxGrantTtl)
  if (asked <= maxGrantTtl) return asked
  throw new ApiError('INVALID_TTL', `ttl must be at most ${maxGrantTtl} seconds, the max_grant_ttl of the operator`)
}

function checkScopes(capabilities: Capabilities, allowed: readonly string[]): void {
  const scopes = new Set(Array.from(capabilities.keys(), (capability) => splitCapability(capability).scope))
  const excess = [...scopes].filter((scope) => !allowed.includes(scope))
  if (excess.length > 0) {
    throw new ApiError('SCOPE_NOT_ALLOWED', `The agent's allowed scopes must include "${excess.join(' ')}"`)
  }
}
