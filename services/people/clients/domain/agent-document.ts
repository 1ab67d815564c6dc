import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { ApiError } from '../../../platform/errors/api-error.ts'
import type { StandingAgent } from '../../access/domain/standing.ts'
import type { ClientDocument } from './read-document.ts'
import { redirectHostOf } from './redirect-uri.ts'

/**
 * Describes an agent as a client of users: what the document of a URL client says, its operator says here. The name
 * that the operator has given to it is for the lists of the operator, so users see only its DID.
 *
 * @throws ApiError CLIENT_NOT_ACCEPTED unless agent and operator are active and redirect URIs are listed
 */
export function agentDocument(clientId: string, agent: StandingAgent | null): ClientDocument {
  if (agent === null) throw refused('client_id must be the DID of a registered agent')
  const { status, movedTo, operatorStatus, redirectUris } = agent
  if (movedTo !== null) throw refused(`The agent has moved to ${movedTo}`)
  if (status !== 'active') throw refused('The agent must be active')
  if (operatorStatus !== 'active') throw refused('The operator of the agent must be active')
  if (redirectUris.length === 0) throw refused('The operator of the agent must list redirect_uris for it')
  const digest = agentDigest(agent)
  return {
    clientId,
    name: '',
    redirectUris,
    isOnDevices: false,
    authMethod: 'private_key_jwt',
    keys: undefined,
    digest,
  }
}

/**
 * Returns a digest of the operator of an agent, and of the hosts of its redirect URIs. If it changes, users are asked
 * again. The keys of an agent are not in it, because its operator answers for them.
 */
export function agentDigest({ operatorId, redirectUris }: Pick<StandingAgent, 'operatorId' | 'redirectUris'>): string {
  const hosts = [...new Set(redirectUris.map((uri) => redirectHostOf(uri) ?? ''))].toSorted()
  return sha256Text(JSON.stringify(['agent', operatorId, hosts]), 'base64url')
}

function refused(detail: string): ApiError {
  return new ApiError('CLIENT_NOT_ACCEPTED', detail)
}
