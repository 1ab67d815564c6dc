import type { Verdict } from '../token/verdicts.ts'

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
export const REVOCATION_KINDS = ['token', 'agent', 'operator', 'key', 'deployment', 'issuer', 'edge'] as const

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
  /** Empty for keys, for the deployment, for issuers and for edges. */
  readonly operatorId: string
  /**
   * A token's `jti`, an agent's DID, a key's `kid`, the URL of another issuer or the id of an edge; empty for other
   * kinds.
   */
  readonly subject: string
  /** Smallest epoch that stays valid, or for an issuer its smallest generation; 0 for tokens, keys and edges. */
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
  /** Ids of the edges of trust through which the token was issued. */
  readonly edges?: readonly string[]
  /** The other issuer whose token was exchanged for this one. */
  readonly home?: IssuerGeneration
  /** The identity provider that vouched for the user for whom an agent acts. */
  readonly provider?: IssuerGeneration
}

/** Another issuer, and the generation in which it was trusted. Disabling the issuer raises its generation. */
export interface IssuerGeneration {
  /** The issuer's URL, compared byte for byte. */
  readonly issuer: string
  readonly generation: number
}

/**
 * Everything that a decision about trust rests on. The decision has ended when any of it has ended.
 *
 * @example
 * ```ts
 * import type { TrustBasis } from '@auth4agent/core/revocation/revocation-log'
 *
 * const basis: TrustBasis = {
 *   issuers: [{ issuer: 'https://other.example', generation: 1 }],
 *   edges: path.map(({ id }) => id),
 *   authors: [],
 * }
 * ```
 */
export interface TrustBasis {
  readonly issuers: readonly IssuerGeneration[]
  /** Ids of edges. */
  readonly edges: readonly string[]
  /**
   * The operators of this deployment that signed one of the edges, with their operator epochs at the time when the
   * edges were read: the epoch of the operator or of the deployment, whichever is larger.
   */
  readonly authors: readonly { readonly operatorId: string; readonly epoch: number }[]
}

/** Why a decision about trust has ended. */
export type TrustVerdict = Extract<Verdict, 'ISSUER_DISABLED' | 'TRUST_ENDED'>
