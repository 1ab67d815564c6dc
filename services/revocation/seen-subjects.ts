import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'

/** The subjects of tokens that the database has confirmed, at their epochs. */
export interface SeenSubjects {
  /** Whether a token names a subject that was confirmed since `incarnation` began, at just these epochs. */
  has(incarnation: string | undefined, token: TokenIdentity): boolean
  /** Keeps the subject of a token that the database has found to stand. */
  add(incarnation: string | undefined, token: TokenIdentity): void
}

/**
 * Makes the memory of at most `capacity` subjects. The revocation log tells what has ended and not what exists, so a signature
 * for an agent that nobody knows, or for an epoch that has not come yet, is judged by the database; what it confirms is
 * remembered. Epochs only rise, and each rise is in the log, so what was confirmed stays true until the log ends it.
 * A new incarnation may follow another log, such as that of a restored database, and begins with an empty memory.
 */
export function createSeenSubjects(capacity = 100_000): SeenSubjects {
  /** Agent's and operator's epoch by operator and agent; the first was confirmed longest ago. */
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

/** Neither an operator's id nor a subject holds a space. */
function keyOf({ operatorId, sub }: TokenIdentity): string {
  return `${operatorId} ${sub}`
}
