import type { Verdict } from '../token/verdicts.ts'
import { type Ending, isRevocationKind, MAX_TOKEN_RECORDS, type TokenIdentity } from './revocation-log.ts'

/** What has been ended, in memory: about 100 bytes a token. */
export interface RevocationState {
  /** Puts a record into effect; false when its kind is not known here, and so neither is what it ends. */
  apply(ending: Ending): boolean
  /** Why a token does not stand, or undefined. */
  lookup(token: TokenIdentity): Verdict | undefined
  /** Whether nothing stands that a key signed. */
  hasKeyEnded(kid: string): boolean
  /** Forgets the records up to a sequence. */
  forget(through: number): void
  /** How many things are kept. */
  readonly size: number
}

interface Least {
  readonly sequence: number
  readonly minimumEpoch: number
}

/** By subject, in the order of their sequences: what is to be forgotten stands first. */
type Sequences = Map<string, number>
type Epochs = Map<string, Least>

/** An empty state. `maxTokens` is how many token records an operator has before the end of all its tokens takes their place. */
export function createRevocationState(maxTokens = MAX_TOKEN_RECORDS): RevocationState {
  /** Tokens by their operator: so each takes no more than its id and a number. There are many more of them than of anything else. */
  const tokens = new Map<string, Sequences>()
  const agents: Epochs = new Map()
  const operators: Epochs = new Map()
  const deployment: Epochs = new Map()
  const keys: Sequences = new Map()

  const minimum = (epochs: Epochs, key: string): number => epochs.get(key)?.minimumEpoch ?? 0
  const raise = (epochs: Epochs, key: string, { sequence, minimumEpoch }: Ending): void => {
    const least = Math.max(minimum(epochs, key), minimumEpoch)
    epochs.delete(key)
    epochs.set(key, { sequence, minimumEpoch: least })
  }
  const tokensOf = (operatorId: string): Sequences => {
    const known = tokens.get(operatorId)
    if (known !== undefined) return known
    const made: Sequences = new Map()
    tokens.set(operatorId, made)
    return made
  }
  const put = (ending: Ending): void => {
    const { kind, operatorId, subject, sequence, minimumEpoch } = ending
    if (kind === 'token') renew(tokensOf(operatorId), subject, sequence)
    if (kind === 'key') renew(keys, subject, sequence)
    if (kind === 'agent') raise(agents, agentKey(operatorId, subject), ending)
    if (kind === 'deployment') raise(deployment, '', ending)
    if (kind !== 'operator') return
    const known = tokens.get(operatorId)
    // A token that was revoked before this record was issued before it, and so under an earlier epoch. Fewer records are kept, for a
    // token that was itself revoked is refused for that.
    if (known !== undefined && known.size >= maxTokens && minimumEpoch > minimum(operators, operatorId)) {
      forget(known, sequence, Number)
    }
    raise(operators, operatorId, ending)
  }
  return {
    apply(ending) {
      if (!isRevocationKind(ending.kind)) return false
      put(ending)
      return true
    },
    lookup({ kid, jti, operatorId, sub, operatorEpoch, agentEpoch }) {
      if (keys.has(kid)) return 'UNKNOWN_KEY'
      if (tokens.get(operatorId)?.has(jti) === true) return 'TOKEN_REVOKED'
      const least = Math.max(minimum(deployment, ''), minimum(operators, operatorId))
      if (operatorEpoch < least) return 'OPERATOR_TOKENS_ENDED'
      // Mostly no agent's tokens have been ended, and then no key has to be made.
      if (agents.size > 0 && agentEpoch < minimum(agents, agentKey(operatorId, sub))) return 'AGENT_TOKENS_ENDED'
      return undefined
    },
    hasKeyEnded: (kid) => keys.has(kid),
    forget(through) {
      for (const epochs of [agents, operators, deployment]) forget(epochs, through, ({ sequence }) => sequence)
      forget(keys, through, Number)
      for (const [operatorId, sequences] of tokens) {
        forget(sequences, through, Number)
        if (sequences.size === 0) tokens.delete(operatorId)
      }
    },
    get size() {
      let size = agents.size + operators.size + deployment.size + keys.size
      for (const sequences of tokens.values()) size += sequences.size
      return size
    },
  }
}

/** Puts a subject at the end, where the latest sequences are. */
function renew(sequences: Sequences, subject: string, sequence: number): void {
  sequences.delete(subject)
  sequences.set(subject, sequence)
}

function forget<T>(entries: Map<string, T>, through: number, sequenceOf: (entry: T) => number): void {
  for (const [key, entry] of entries) {
    if (sequenceOf(entry) > through) return
    entries.delete(key)
  }
}

/** Neither an operator's id nor a DID holds a space. */
function agentKey(operatorId: string, did: string): string {
  return `${operatorId} ${did}`
}
