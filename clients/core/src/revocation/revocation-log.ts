/** A place in the revocation log. */
export interface LogPosition {
  /** Raised by the promotion of a standby. */
  readonly logEpoch: number
  /** Number of the last record, without gaps over all epochs; 0 before the first. */
  readonly sequence: number
  /** Hash of the last record, hexadecimal; empty before the first. */
  readonly hash: string
}

/** Kinds of records that this version understands. */
export const REVOCATION_KINDS = ['token', 'agent', 'operator', 'key', 'deployment'] as const

/** One of them. */
export type RevocationKind = (typeof REVOCATION_KINDS)[number]

/**
 * Token records that one operator has at most, counting those whose tokens may be unexpired. Everybody who verifies keeps all of
 * them in memory: ten thousand cost about a megabyte. The next revocation ends all tokens of the operator instead.
 */
export const MAX_TOKEN_RECORDS = 10_000

/** Whether a text names one of them. */
export function isRevocationKind(text: string): text is RevocationKind {
  return REVOCATION_KINDS.some((kind) => kind === text)
}

/** One entry of the revocation log. */
export interface RevocationRecord extends LogPosition {
  /** One of REVOCATION_KINDS, or what a newer version writes. */
  readonly kind: string
  /** Empty for keys and for the deployment. */
  readonly operatorId: string
  /** A token's jti, an agent's DID, a key's kid; empty otherwise. */
  readonly subject: string
  /** Smallest epoch that still stands; 0 for tokens and keys. */
  readonly minimumEpoch: number
  /** From when no token that it ends can be unexpired, Unix milliseconds. */
  readonly expiresAt: number
  /** Unix milliseconds, by the database's clock. */
  readonly recordedAt: number
  readonly previousHash: string
}

/** What a record ends, without its place in the chain of hashes. */
export type Ending = Pick<RevocationRecord, 'sequence' | 'kind' | 'operatorId' | 'subject' | 'minimumEpoch'>

/** What identifies a genuine token to whoever asks whether it stands. */
export interface TokenIdentity {
  readonly jti: string
  readonly operatorId: string
  /** The agent's DID. */
  readonly sub: string
  readonly agentEpoch: number
  readonly operatorEpoch: number
  /** The key that signed it. */
  readonly kid: string
}
