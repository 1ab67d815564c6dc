import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The agent that a second registration under the same DID meets; `publicKey` is its key in use. */
export interface RegisteredAgent {
  readonly status: AgentStatus
  readonly publicKey: Uint8Array | undefined
}

/**
 * Lets an agent that still waits for approval register again, to no effect: a client that lost the answer may repeat the
 * call. The whole key is compared, for a DID holds but half of its hash.
 *
 * @throws ApiError AGENT_EXISTS for the operator's own registration, another key and an agent that has been approved.
 */
export function checkRepeat(existing: RegisteredAgent, publicKey: Uint8Array, isOperator: boolean): void {
  const isSameKey = existing.publicKey !== undefined && Buffer.from(existing.publicKey).equals(publicKey)
  if (!isSameKey || existing.status !== 'pending') throw new ApiError('AGENT_EXISTS')
  if (isOperator) throw new ApiError('AGENT_EXISTS', 'The agent is registered already and waits for approval')
}
