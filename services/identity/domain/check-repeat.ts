import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The existing agent when the same DID is registered again; `publicKey` is its key in use. */
export interface RegisteredAgent {
  readonly status: AgentStatus
  readonly publicKey: Uint8Array | undefined
}

/**
 * Accepts a repeated registration of a pending agent, which changes nothing: a client that lost the answer may repeat
 * the call. It compares the whole key, because a DID contains only half of the key's hash.
 *
 * @throws ApiError AGENT_EXISTS when the operator registers it, the key differs, or the agent is no longer pending.
 */
export function checkRepeat(existing: RegisteredAgent, publicKey: Uint8Array, isOperator: boolean): void {
  const isSameKey = existing.publicKey !== undefined && Buffer.from(existing.publicKey).equals(publicKey)
  if (!isSameKey || existing.status !== 'pending') throw new ApiError('AGENT_EXISTS')
  if (isOperator)
    throw new ApiError('AGENT_EXISTS', 'The agent is already registered and waits for approval; approve it instead')
}
