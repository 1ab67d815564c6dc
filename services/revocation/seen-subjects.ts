import { keepNewest } from '@auth4agent/core/platform/keep-newest'
import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'

/** Remembers the agents and users that the database has confirmed, with their epochs. */
export interface SeenSubjects {
  /** Returns whether the token's agent or user was confirmed under this incarnation, at exactly the token's epochs. */
  has(incarnation: string | undefined, token: TokenIdentity): boolean
  /** Remembers the agent or user of a token that the database has found valid. */
  add(incarnation: string | undefined, token: TokenIdentity): void
}

/**
 * Creates a memory of at most `capacity` agents and users.
 *
 * The revocation log contains what has ended, but not what exists. So the database must check the signed token of an
 * agent that it has not confirmed, or a token with an epoch from the future. Epochs only rise, and each rise is in the
 * log, so an agent stays confirmed at its epochs until the log contains a rise. A new incarnation begins with an empty
 * memory, because it may follow another log, such as that of a restored database.
 */
export function createSeenSubjects(capacity = 100_000): SeenSubjects {
  /** The epochs of agent and operator, by operator and agent. The first entry is the one confirmed longest ago. */
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
      keepNewest(seen, key, [token.agentEpoch, token.operatorEpoch], capacity)
    },
  }
}

/** The key is unambiguous: neither an operator's id nor a subject contains a space. */
function keyOf({ operatorId, sub }: TokenIdentity): string {
  return `${operatorId} ${sub}`
}
