import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'

/** Remembers the agents that the database has confirmed, with their epochs. */
export interface SeenSubjects {
  /** Returns whether the token's agent was confirmed under this incarnation, at exactly the token's epochs. */
  has(incarnation: string | undefined, token: TokenIdentity): boolean
  /** Remembers the agent of a token that the database has found valid. */
  add(incarnation: string | undefined, token: TokenIdentity): void
}

/**
 * Creates a memory of at most `capacity` agents.
 *
 * The revocation log says what has ended and not what exists. So the database must judge a signed token of an unknown
 * agent, or with an epoch from the future. Epochs only rise, and each rise is in the log, so a confirmed agent stays
 * confirmed until the log says otherwise. A new incarnation begins with an empty memory, because it may follow
 * another log, such as that of a restored database.
 */
export function createSeenSubjects(capacity = 100_000): SeenSubjects {
  /** Agent's and operator's epoch, by operator and agent. The first entry was confirmed longest ago. */
  const seen = new Map<string, readonly [number, number]>()
  let current: string | undefined
  return {
    has(incarnation, token) {
      if (incarnation === undefined || incarnation !== current) return false
      const epochs = seen.get(keyOf(token))
      return epochs !== undefined && epochs[0] === token.agentEpoch && epochs[1] === token.operatorEpoch
    },
    add(incarnation, token) {
      if (incarnation !== current) seen.clear()
      current = incarnation
      if (incarnation === undefined) return
      const key = keyOf(token)
      seen.delete(key)
      seen.set(key, [token.agentEpoch, token.operatorEpoch])
      if (seen.size <= capacity) return
      for (const oldest of seen.keys()) {
        seen.delete(oldest)
        break
      }
    },
  }
}

/** The key is unambiguous: neither an operator's id nor a subject contains a space. */
function keyOf({ operatorId, sub }: TokenIdentity): string {
  return `${operatorId} ${sub}`
}
