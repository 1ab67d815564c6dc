import { buildDidDocument } from '@auth4agent/core/identity/did-document'
import { readPublicJwk } from '@auth4agent/core/jose/public-jwk'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { KeyFacts } from './key-events/key-facts.ts'
import { type AgentRecord, currentKey } from './store.ts'

const NO_KEY = new Uint8Array()
/** Converts a time to a Timestamp, and null to undefined. */
export const toTimestamp = (time: Date | null) => (time === null ? undefined : timestampFromDate(time))

/** Returns the public state of an agent at a time: the fields of GetAgentResponse. */
export function toPublicAgent(agent: AgentRecord, facts: KeyFacts, now: Date) {
  const { updatedAt, ...shown } = toShown(agent, facts, now)
  return { ...shown, updatedAt, movedFrom: agent.movedFrom ?? '' }
}

/** Returns an agent as its operator sees it at a time: the fields of Agent. */
export function toAgent(agent: AgentRecord, facts: KeyFacts, now: Date) {
  const { label, requireBoundChallenges } = agent
  const { updatedAt: _, ...shown } = toShown(agent, facts, now)
  return { ...shown, label, requireBoundChallenges }
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
    didDocument: buildDidDocument({ did, status, publicKey, addedKeys: addedKeysOf(agent, now) }),
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
    addedKeys: addedKeysOf(agent, undefined).map(({ kid, jwk, exp }) => ({
      kid,
      jwk: JSON.stringify(jwk),
      exp: BigInt(exp),
    })),
  }
}

/** Returns the added keys of an agent: those that have not expired at a time, or all. */
function addedKeysOf({ addedKeys }: AgentRecord, at: Date | undefined) {
  return addedKeys.flatMap(({ thumbprint: kid, publicJwk, expiresAt }) => {
    const jwk = readPublicJwk(publicJwk)
    const isExpired = at !== undefined && expiresAt <= at
    return jwk === undefined || jwk.kty === 'RSA' || isExpired
      ? []
      : [{ kid, jwk, exp: Math.floor(expiresAt.getTime() / 1000) }]
  })
}
