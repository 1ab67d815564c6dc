import type { AgentStatus } from '../../../gen/prisma/enums.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** The agent that already exists when its DID is registered again; `publicKey` is the agent's current key. */
export interface RegisteredAgent {
  readonly status: AgentStatus
  readonly publicKey: Uint8Array | undefined
}

/**
 * Checks a repeated registration. An agent that did not receive the answer may repeat the call while it is pending.
 * The repeated call succeeds and changes nothing. The check compares the whole key, because a DID contains only half
 * of the key's hash.
 *
 * @throws ApiError AGENT_EXISTS when the operator makes the call, the key differs, or the agent is no longer pending.
 */
export function checkRepeat(existing: RegisteredAgent, publicKey: Uint8Array, isOperator: boolean): void {
  const isSameKey = existing.publicKey !== undefined && Buffer.from(existing.publicKey).equals(publicKey)
  if (!isSameKey || existing.status !== 'pending') throw new ApiError('AGENT_EXISTS')
  if (isOperator) throw new ApiError('AGENT_EXISTS', 'The agent is already registered and pending; approve it instead')
}
