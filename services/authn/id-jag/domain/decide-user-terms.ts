import { type Audience, parseAudiences } from '@auth4agent/core/token/audience'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { JudgedIdJag } from '../../../trust/index.ts'
import type { AgentProof } from '../../domain/agent-proof.ts'
import type { Subject } from '../../domain/subject.ts'
import { bindingOf, resolveTerm } from '../../domain/token-request.ts'
import type { IdJagRequest } from './id-jag-request.ts'

/** What a token for a user allows. */
export interface UserTerms {
  readonly scope: readonly string[]
  readonly audience: readonly Audience[]
}

/** The terms that a request wants; undefined for those of the ID-JAG. */
export interface WantedTerms {
  readonly scope: readonly string[] | undefined
  readonly audience: readonly string[] | undefined
}

/**
 * Returns the terms that the client asks for. The client assertion may contain them, and must contain all of them if
 * the operator demands it.
 *
 * @throws ApiError BINDING_MISMATCH, BINDING_REQUIRED
 */
export function resolveUserTerms({ agent, operator }: Subject, proof: AgentProof, request: IdJagRequest): WantedTerms {
  const { covered } = proof
  if (covered.may_act !== undefined || covered.details !== undefined) {
    throw new ApiError('BINDING_MISMATCH', 'The client assertion must not contain may_act and details with an ID-JAG')
  }
  const requested = bindingOf({ scope: request.scope, audience: request.audience, ttl: undefined })
  const audience = resolveTerm('resource', covered.aud?.join(' '), requested.aud?.join(' '))
  const scope = resolveTerm('scope', covered.scope, requested.scope)
  if (covered.subject_token !== undefined && covered.subject_token !== request.digest) {
    throw new ApiError('BINDING_MISMATCH', 'assertion must be the text whose SHA-256 is the claim subject_token')
  }
  const isBound = proof.isFullyBound && covered.subject_token !== undefined
  if ((agent.requireBoundChallenges || operator.requireBoundChallenges) && !isBound) {
    throw new ApiError('BINDING_REQUIRED', UNBOUND)
  }
  return { scope: scope?.split(' '), audience: audience?.split(' ') }
}

const UNBOUND =
  'The client assertion must contain the claims scope, resource and subject_token, which is the SHA-256 of the ' +
  'ID-JAG, because the operator requires it'

/**
 * Decides what a token for a user allows: only what the ID-JAG, the rule about the user and the grant of the agent all
 * allow. One scope or audience that is not allowed refuses the whole request.
 *
 * @throws ApiError AUDIENCE_NOT_ALLOWED, SCOPE_NOT_ALLOWED
 */
export function decideUserTerms(
  { agent }: Subject,
  { grant, rule }: Pick<JudgedIdJag, 'grant' | 'rule'>,
  wanted: WantedTerms,
): UserTerms {
  const audiences = wanted.audience ?? grant.resources
  const scope = wanted.scope ?? grant.scopes
  if (scope.length === 0) throw new ApiError('SCOPE_NOT_ALLOWED', 'A token for a user must have at least one scope')
  for (const [who, allowed] of [
    ['The ID-JAG', grant.resources],
    ['The rule about the user', rule.audiences],
  ] as const) {
    const excess = audiences.filter((each) => !allowed.includes(each))
    if (excess.length > 0) throw new ApiError('AUDIENCE_NOT_ALLOWED', `${who} must list ${excess.join(' ')}`)
  }
  for (const [who, allowed] of [
    ['The ID-JAG', grant.scopes],
    ['The rule about the user', rule.scopes],
    ["The agent's grant", agent.allowedScopes],
  ] as const) {
    const excess = scope.filter((each) => !allowed.includes(each))
    if (excess.length > 0)
      throw new ApiError('SCOPE_NOT_ALLOWED', `${who} must include the scope "${excess.join(' ')}"`)
  }
  // Never undefined: rules contain only audiences.
  return { scope, audience: parseAudiences(audiences) ?? [] }
}
