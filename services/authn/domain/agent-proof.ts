import type { ChallengeContent } from '@auth4agent/core/identity/challenge'
import { importPublicKey, verify } from '@auth4agent/core/keys/ed25519'
import { ApiError } from '../../platform/errors/api-error.ts'
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
  /** Makes the error of each fault, in the words of this kind of text. */
  readonly refusals: Readonly<Record<ProofFault, () => ApiError>>
}

/**
 * What may be wrong with a text that the agent has signed: it was used before; it has expired; its challenge key was
 * deleted; its signature does not cover the terms although it must.
 */
type ProofFault = 'used' | 'expired' | 'void' | 'unbound'

/**
 * Checks that the agent's current key has signed.
 *
 * @throws ApiError INVALID_SIGNATURE
 */
export function checkSignature({ agent }: Subject, { message, signature }: AgentProof): void {
  const key = importPublicKey(agent.publicKey)
  if (key === undefined || !verify(key, message, signature)) {
    throw new ApiError('INVALID_SIGNATURE', "The signature must be valid under the agent's registered key")
  }
}

/**
 * Checks that agent and operator are active.
 *
 * @throws ApiError AGENT_NOT_ACTIVE, AGENT_OPERATOR_NOT_ACTIVE
 */
export function checkStatuses({ agent, operator }: Subject): void {
  if (agent.movedTo !== '') throw new ApiError('AGENT_NOT_ACTIVE', `The agent has moved to ${agent.movedTo}`)
  if (agent.status !== 'active') throw new ApiError('AGENT_NOT_ACTIVE')
  if (operator.status !== 'active') throw new ApiError('AGENT_OPERATOR_NOT_ACTIVE')
}
