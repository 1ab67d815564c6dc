import { buildDidDocument } from '@auth4agent/core/identity/did-document'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { DidVersion } from './did-versions.ts'
import type { KeyFacts } from './key-events/key-facts.ts'
import { type AgentRecord, addedKeysOf, currentKey, otherDidsOf } from './store.ts'

const NO_KEY = new Uint8Array()
/** Converts a time to a Timestamp, and null to undefined. */
export const toTimestamp = (time: Date | null) => (time === null ? undefined : timestampFromDate(time))

/** Returns the public state of an agent at a time: the fields of GetAgentResponse. */
export function toPublicAgent(agent: AgentRecord, facts: KeyFacts, now: Date) {
  const { updatedAt, ...shown } = toShown(agent, facts, now)
  return { ...shown, updatedAt, movedFrom: agent.movedFrom ?? '' }
}

/** Returns an agent as its operator sees it at a time, with the name of its enrolment rule: the fields of Agent. */
export function toAgent(agent: AgentRecord, facts: KeyFacts, now: Date, enrolmentRule: string) {
  const { label, requireBoundChallenges, maxDelegationDepth, redirectUris } = agent
  const { updatedAt: _, ...shown } = toShown(agent, facts, now)
  return { ...shown, label, requireBoundChallenges, maxDelegationDepth, redirectUris, enrolmentRule }
}

/** Returns a version of an agent's DID document: the fields of ResolveDidResponse. */
export function toResolution(agent: AgentRecord, { document, seq, began }: DidVersion) {
  return {
    didDocument: document,
    didDocumentMetadata: {
      created: toTimestamp(agent.createdAt),
      updated: seq === 0 ? undefined : toTimestamp(began),
      deactivated: agent.status === 'revoked',
      versionId: String(seq),
      canonicalId: agent.movedTo ?? '',
    },
  }
}

/** Returns the fields that the public and the operator see. */
function toShown(agent: AgentRecord, facts: KeyFacts, now: Date) {
  const { id, did, status, operatorId, allowedScopes } = agent
  const publicKey = currentKey(agent)
  // Whatever waits ends with the agent.
  const waits = status !== 'revoked'
  return {
    id,
    did,
    status,
    operatorId,
    allowedScopes,
    didDocument: buildDidDocument({
      did,
      status,
      publicKey,
      addedKeys: addedKeysOf(agent, now),
      alsoKnownAs: otherDidsOf(agent),
    }),
    agentPublicKey: publicKey ?? NO_KEY,
    createdAt: toTimestamp(agent.createdAt),
    suspendedAt: toTimestamp(agent.suspendedAt),
    revokedAt: toTimestamp(agent.revokedAt),
    keySeq: facts.keySeq,
    updatedAt: toTimestamp(facts.updatedAt ?? agent.createdAt),
    recoveryAt: waits ? toTimestamp(facts.recoveryAt) : undefined,
    moveAt: waits ? toTimestamp(facts.moveAt) : undefined,
    movedTo: agent.movedTo ?? '',
  }
}

/** Returns an agent as other parts of the server see it: the fields of AgentSnapshot. */
export function toAgentSnapshot(agent: AgentRecord) {
  const { id, did, status, allowedScopes, version, epoch, requireBoundChallenges, maxDelegationDepth } = agent
  return {
    id,
    did,
    status,
    allowedScopes,
    publicKey: currentKey(agent) ?? NO_KEY,
    version,
    epoch,
    requireBoundChallenges,
    maxDelegationDepth,
    movedTo: agent.movedTo ?? '',
    addedKeys: addedKeysOf(agent).map(({ kid, jwk, exp }) => ({
      kid,
      jwk: JSON.stringify(jwk),
      exp: BigInt(exp),
    })),
  }
}
