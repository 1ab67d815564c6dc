import type { Verdict } from '../token/verdicts.ts'
import { isRevocationKind, type RevocationKind, type RevocationRecord, type TokenIdentity } from './revocation-log.ts'

/** What has been ended, in memory. */
export interface RevocationState {
  /** Puts a record into effect; false when its kind is not known here, and so neither is what it ends. */
  apply(record: RevocationRecord): boolean
  /** Why a token does not stand, or undefined. */
  lookup(token: TokenIdentity): Verdict | undefined
  /** Whether nothing stands that a key signed. */
  hasKeyEnded(kid: string): boolean
  /** Forgets the records up to a sequence. */
  forget(through: number): void
  /** How many things are kept. */
  readonly size: number
}

interface Entry {
  readonly sequence: number
  readonly minimumEpoch: number
}

/** An empty state. */
export function createRevocationState(): RevocationState {
  // Each map is in the order of its entries' sequences, so what is to be forgotten stands first.
  const entries: Record<RevocationKind, Map<string, Entry>> = {
    token: new Map(),
    agent: new Map(),
    operator: new Map(),
    key: new Map(),
    deployment: new Map(),
  }
  /** Mostly nothing of a kind has been ended, and then no key has to be made. */
  const find = (kind: RevocationKind, operatorId: string, subject: string): Entry | undefined =>
    entries[kind].size === 0 ? undefined : entries[kind].get(keyOf(operatorId, subject))
  const minimum = (kind: RevocationKind, operatorId: string, subject: string): number =>
    find(kind, operatorId, subject)?.minimumEpoch ?? 0
  const hasKeyEnded = (kid: string) => find('key', '', kid) !== undefined
  return {
    apply({ kind, operatorId, subject, sequence, minimumEpoch }) {
      if (!isRevocationKind(kind)) return false
      const key = keyOf(operatorId, subject)
      const least = Math.max(minimum(kind, operatorId, subject), minimumEpoch)
      entries[kind].delete(key)
      entries[kind].set(key, { sequence, minimumEpoch: least })
      return true
    },
    lookup({ kid, jti, operatorId, sub, operatorEpoch, agentEpoch }) {
      if (hasKeyEnded(kid)) return 'UNKNOWN_KEY'
      if (find('token', operatorId, jti) !== undefined) return 'TOKEN_REVOKED'
      const least = Math.max(minimum('deployment', '', ''), minimum('operator', operatorId, ''))
      if (operatorEpoch < least) return 'OPERATOR_TOKENS_ENDED'
      if (agentEpoch < minimum('agent', operatorId, sub)) return 'AGENT_TOKENS_ENDED'
      return undefined
    },
    hasKeyEnded,
    forget(through) {
      for (const map of Object.values(entries)) {
        for (const [key, { sequence }] of map) {
          if (sequence > through) break
          map.delete(key)
        }
      }
    },
    get size() {
      return Object.values(entries).reduce((sum, map) => sum + map.size, 0)
    },
  }
}

/** Neither an operator's id nor a subject holds a space. */
function keyOf(operatorId: string, subject: string): string {
  return `${operatorId} ${subject}`
}
