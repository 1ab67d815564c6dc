import { buildDidDocument } from '@auth4agent/core/identity/did-document'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type AgentRecord, currentKey } from './store.ts'

const NO_KEY = new Uint8Array()
/** Converts a time to a Timestamp, and null to undefined. */
export const toTimestamp = (time: Date | null) => (time === null ? undefined : timestampFromDate(time))

/** Returns the public state of an agent: the fields of GetAgentResponse. */
export function toPublicAgent(agent: AgentRecord) {
  const { id, did, status, operatorId, allowedScopes } = agent
  const publicKey = currentKey(agent)
  return {
    id,
    did,
    status,
    operatorId,
    allowedScopes,
    didDocument: buildDidDocument({ did, status, publicKey }),
    agentPublicKey: publicKey ?? NO_KEY,
    createdAt: toTimestamp(agent.createdAt),
    suspendedAt: toTimestamp(agent.suspendedAt),
    revokedAt: toTimestamp(agent.revokedAt),
  }
}

/** Returns an agent as its operator sees it: the fields of Agent. */
export function toAgent(agent: AgentRecord) {
  const { label, requireBoundChallenges } = agent
  return { ...toPublicAgent(agent), label, requireBoundChallenges }
}

/** Returns an agent as other parts of the server see it: the fields of AgentSnapshot. */
export function toAgentSnapshot(agent: AgentRecord) {
  const { id, did, status, allowedScopes, version, epoch, requireBoundChallenges } = agent
  return {
    id,
    did,
    status,
    allowedScopes,
    publicKey: currentKey(agent) ?? NO_KEY,
    version,
    epoch,
    requireBoundChallenges,
  }
}
