import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import { ApiError } from '../../platform/errors/api-error.ts'

/** An agent as requests name it, within one operator. */
export type AgentName = { readonly id: string } | { readonly did: string }

/**
 * Reads an agent's id or DID.
 *
 * @throws ApiError AGENT_NOT_FOUND for anything else: no agent has such a name.
 */
export function parseAgentName(text: string): AgentName {
  if (isUuid(text)) return { id: text }
  if (parseDid(text) !== undefined) return { did: text }
  throw new ApiError('AGENT_NOT_FOUND')
}
