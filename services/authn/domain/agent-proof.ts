import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { ReasonCode } from '../../platform/errors/reasons.ts'
import type { Subject } from './decide-issue.ts'

/** The terms that a signature covers. A term is undefined when the signed text does not contain it. */
export type CoveredTerms = Pick<ChallengeContent, 'scope' | 'aud' | 'ttl'>

/**
 * How an agent proves itself: by a signature over a text that can be used once. The text is a challenge or a client
 * assertion.
 */
export interface AgentProof {
  readonly did: string
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly covered: CoveredTerms
  /** Whether the signature covers every term that a token request of this kind can have. */
  readonly isFullyBound: boolean
  /** Makes the text single-use: a UUID that no other text has. */
  readonly id: string
  /** When the text expires by the database's clock, in Unix seconds. A clock skew is already added. */
  readonly exp: number
  /** Id of the challenge key that sealed the text; empty for a text that the server did not make. */
  readonly challengeKeyId: string
  /** Reasons for a text that was used, has expired, or whose challenge key was deleted. */
  readonly refusals: Readonly<Record<'used' | 'expired' | 'void', ReasonCode>>
}

/**
 * Checks that the agent's current key has signed.
 *
 * @throws ApiError INVALID_SIGNATURE
 */
export function checkSignature({ agent }: Subject, { message, signature }: AgentProof): void {
  const key = importPublicKey(agent.publicKey)
  if (key === undefined || !verify(key, message, signature)) throw new ApiError('INVALID_SIGNATURE')
}

/**
 * Checks that agent and operator are active.
 *
 * @throws ApiError AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE
 */
export function checkStatuses({ agent, operator }: Subject): void {
  if (agent.status !== 'active') throw new ApiError('AGENT_NOT_ACTIVE')
  if (operator.status !== 'active') throw new ApiError('AGENT_OPERATOR_NOT_ACTIVE')
}
