import { type ChallengeContent, challengeMessage } from '@auth4agent/core/identity/challenge'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import type { AgentSnapshot, OperatorSnapshot } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { isFullyBound, type RequestedTerms, resolveTerms, type TermDefaults, type TokenTerms } from './token-request.ts'

/** An agent and its operator, as the directory returned them in one answer. */
export interface Subject {
  readonly agent: AgentSnapshot
  readonly operator: OperatorSnapshot
}

/** A request for a token, with a challenge that the server has found authentic. */
export interface Redemption {
  readonly challenge: string
  readonly nonce: string
  readonly content: ChallengeContent
  readonly signature: Uint8Array
  readonly requested: RequestedTerms
}

/**
 * Does the checks of a redemption that need no database: steps 5 to 10 in docs/protocol.md section 6, in that order.
 *
 * @returns the token's terms.
 * @throws ApiError INVALID_SIGNATURE, BINDING_MISMATCH, BINDING_REQUIRED, AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE,
 *   SCOPE_NOT_ALLOWED
 */
export function decideIssue({ agent, operator }: Subject, redemption: Redemption, defaults: TermDefaults): TokenTerms {
  const key = importPublicKey(agent.publicKey)
  const message = challengeMessage(redemption.challenge, redemption.nonce)
  if (key === undefined || !verify(key, message, redemption.signature)) throw new ApiError('INVALID_SIGNATURE')
  const terms = resolveTerms(redemption.content, redemption.requested, defaults)
  const needsBinding = agent.requireBoundChallenges || operator.requireBoundChallenges
  if (needsBinding && !isFullyBound(redemption.content)) throw new ApiError('BINDING_REQUIRED')
  if (agent.status !== 'active') throw new ApiError('AGENT_NOT_ACTIVE')
  if (operator.status !== 'active') throw new ApiError('AGENT_OPERATOR_NOT_ACTIVE')
  const excess = terms.scope.filter((scope) => !agent.allowedScopes.includes(scope))
  if (excess.length > 0) {
    throw new ApiError('SCOPE_NOT_ALLOWED', `The agent's grant must include the scope "${excess.join(' ')}"`)
  }
  return terms
}
