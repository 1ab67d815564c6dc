import type { Verdict } from '../token/verdicts.ts'
import {
  type Ending,
  type IssuerGeneration,
  isRevocationKind,
  MAX_TOKEN_RECORDS,
  type TokenIdentity,
  type TrustBasis,
  type TrustVerdict,
} from './revocation-log.ts'

/** Revocations in memory. A revoked token takes about 100 bytes. */
export interface RevocationState {
  /** Applies a record. Returns false for a record of an unknown kind, because its effect is unknown. */
  apply(ending: Ending): boolean
  /** Returns why a token is revoked, or undefined if it is not. */
  lookup(token: TokenIdentity): Verdict | undefined
  /** Returns why a decision about trust has ended, or undefined if it has not. */
  lookupTrust(basis: TrustBasis): TrustVerdict | undefined
  /** Tells whether a signing key has been ended, and with it all tokens that it signed. */
  hasKeyEnded(kid: string): boolean
  /** Forgets all records up to and including a sequence. */
  forget(through: number): void
  /** Number of entries in memory. */
  readonly size: number
}

interface Least {
  readonly sequence: number
  readonly minimumEpoch: number
}

/** Entries by subject, in the order of their sequences, so that {@link forget} can stop at the first later entry. */
type Sequences = Map<string, number>
type Epochs = Map<string, Least>

/**
 * Creates an empty state. If an operator has `maxTokens` token records or more, a record that ends all tokens of the
 * operator replaces them.
 *
 * @example
 * ```ts
 * import { createRevocationState } from '@auth4agent/core/revocation/revocation-state'
 *
 * const state = createRevocationState()
 * for (const record of records) state.apply(record)
 * const verdict = state.lookup(token)
 * ```
 */
export function createRevocationState(maxTokens = MAX_TOKEN_RECORDS): RevocationState {
  /**
   * Tokens by operator. A token takes only its id and a number, because there are far more tokens than other entries.
   */
  const tokens = new Map<string, Sequences>()
  const agents: Epochs = new Map()
  const operators: Epochs = new Map()
  const deployment: Epochs = new Map()
  const keys: Sequences = new Map()
  const issuers: Epochs = new Map()
  const edges: Sequences = new Map()

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
    if (kind === 'issuer') raise(issuers, subject, ending)
    if (kind === 'edge') renew(edges, subject, sequence)
    if (kind !== 'operator') return
    const known = tokens.get(operatorId)
    // Tokens revoked before this record have an earlier epoch, so this record ends them too. Their records are dropped
    // only at the limit: until then, a token that was revoked by itself keeps the verdict TOKEN_REVOKED.
    if (known !== undefined && known.size >= maxTokens && minimumEpoch > minimum(operators, operatorId)) {
      forget(known, sequence, Number)
    }
    raise(operators, operatorId, ending)
  }
  const leastOf = (operatorId: string) => Math.max(minimum(deployment, ''), minimum(operators, operatorId))
  const isDisabled = ({ issuer, generation }: IssuerGeneration) => generation < minimum(issuers, issuer)
  const hasEnded = (edge: string) => edges.has(edge)
  const isOver = ({ operatorId, epoch }: TrustBasis['authors'][number]) => epoch < leastOf(operatorId)
  return {
    apply(ending) {
      if (!isRevocationKind(ending.kind)) return false
      put(ending)
      return true
    },
    lookup({ kid, jti, operatorId, sub, operatorEpoch, agentEpoch, home, provider, edges: through }) {
      if (keys.has(kid)) return 'UNKNOWN_KEY'
      if (tokens.get(operatorId)?.has(jti) === true) return 'TOKEN_REVOKED'
      if (operatorEpoch < leastOf(operatorId)) return 'OPERATOR_TOKENS_ENDED'
      // Usually no agent's tokens have been ended. Then no map key has to be built.
      if (agents.size > 0 && agentEpoch < minimum(agents, agentKey(operatorId, sub))) return 'AGENT_TOKENS_ENDED'
      if ((home !== undefined && isDisabled(home)) || (provider !== undefined && isDisabled(provider))) {
        return 'ISSUER_DISABLED'
      }
      return through?.some(hasEnded) === true ? 'TRUST_ENDED' : undefined
    },
    lookupTrust(basis) {
      if (basis.issuers.some(isDisabled)) return 'ISSUER_DISABLED'
      return basis.edges.some(hasEnded) || basis.authors.some(isOver) ? 'TRUST_ENDED' : undefined
    },
    hasKeyEnded: (kid) => keys.has(kid),
    forget(through) {
      for (const epochs of [agents, operators, deployment, issuers]) forget(epochs, through, ({ sequence }) => sequence)
      for (const sequences of [keys, edges]) forget(sequences, through, Number)
      for (const [operatorId, sequences] of tokens) {
        forget(sequences, through, Number)
        if (sequences.size === 0) tokens.delete(operatorId)
      }
    },
    get size() {
      let size = agents.size + operators.size + deployment.size + keys.size + issuers.size + edges.size
      for (const sequences of tokens.values()) size += sequences.size
      return size
    },
  }
}

/** Moves a subject to the end, where the latest sequences are. */
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

/** A space separates the parts, because neither an operator's id nor a DID contains one. */
function agentKey(operatorId: string, did: string): string {
  return `${operatorId} ${did}`
}
