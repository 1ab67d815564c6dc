import { isUuid } from '@auth4agent/core/encoding/uuid'
import { parseDid } from '@auth4agent/core/identity/did'
import { ApiError } from '../../platform/errors/api-error.ts'

/** Name of an agent within one operator: its id or its DID. */
export type AgentName = { readonly id: string } | { readonly did: string }

/**
 * Parses an agent's id or DID.
 *
 * @throws ApiError AGENT_NOT_FOUND for any other text, because no agent has such a name.
 */
export function parseAgentName(text: string): AgentName {
  if (isUuid(text)) return { id: text }
  if (parseDid(text) !== undefined) return { did: text }
  throw new ApiError('AGENT_NOT_FOUND')
}
