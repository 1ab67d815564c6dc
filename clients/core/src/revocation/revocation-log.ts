/** A position in the revocation log. */
export interface LogPosition {
  /** The log epoch. The promotion of a standby raises it. */
  readonly logEpoch: number
  /** Sequence of the last record; 0 before the first. Sequences have no gaps, not even between log epochs. */
  readonly sequence: number
  /** Hash of the last record, hexadecimal; empty before the first record. */
  readonly hash: string
}

/** Kinds of records that this version understands. */
export const REVOCATION_KINDS = ['token', 'agent', 'operator', 'key', 'deployment'] as const

/** One of {@link REVOCATION_KINDS}. */
export type RevocationKind = (typeof REVOCATION_KINDS)[number]

/**
 * The most token records that one operator may have, counting only those whose tokens may be unexpired. Beyond it, the
 * revocation of a token ends all tokens of the operator. Every verifier keeps token records in memory: ten thousand
 * take about a megabyte.
 */
export const MAX_TOKEN_RECORDS = 10_000

/**
 * Tells whether a text is one of {@link REVOCATION_KINDS}.
 *
 * @example
 * ```ts
 * import { isRevocationKind } from '@auth4agent/core/revocation/revocation-log'
 *
 * isRevocationKind('token') // true
 * ```
 */
export function isRevocationKind(text: string): text is RevocationKind {
  return REVOCATION_KINDS.some((kind) => kind === text)
}

/** One record of the revocation log. */
export interface RevocationRecord extends LogPosition {
  /** One of {@link REVOCATION_KINDS}, or a kind of a newer version. */
  readonly kind: string
  /** Empty for keys and for the deployment. */
  readonly operatorId: string
  /** A token's `jti`, an agent's DID or a key's `kid`; empty for other kinds. */
  readonly subject: string
  /** Smallest epoch that stays valid; 0 for tokens and keys. */
  readonly minimumEpoch: number
  /** When the last token that the record ends has expired, in Unix milliseconds. */
  readonly expiresAt: number
  /** Time of the record by the database's clock, in Unix milliseconds. */
  readonly recordedAt: number
  readonly previousHash: string
}

/** The part of a record that says what it ends, without its hashes and times. */
export type Ending = Pick<RevocationRecord, 'sequence' | 'kind' | 'operatorId' | 'subject' | 'minimumEpoch'>

/**
 * The claims of a genuine token that decide whether it is revoked.
 *
 * @example
 * ```ts
 * import type { TokenIdentity } from '@auth4agent/core/revocation/revocation-log'
 *
 * const { jti, operator_id: operatorId, sub, epoch } = claims
 * const token: TokenIdentity = { jti, operatorId, sub, agentEpoch: epoch[0], operatorEpoch: epoch[1], kid }
 * ```
 */
export interface TokenIdentity {
  readonly jti: string
  readonly operatorId: string
  /** The agent's DID. */
  readonly sub: string
  readonly agentEpoch: number
  readonly operatorEpoch: number
  /** `kid` of the key that signed the token. */
  readonly kid: string
}
