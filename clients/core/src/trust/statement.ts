/** `typ` of a trust statement. */
export const TRUST_STATEMENT_TYPE = 'auth4agent-trust+jwt'
/** Largest size of a statement, in bytes. */
export const MAX_STATEMENT_BYTES = 8_192
/** Largest size of a draft as JSON, in bytes. Signed with any key and numbers, it fits into the largest statement. */
export const MAX_DRAFT_BYTES = 5_632
/** Largest number of grants in a statement. */
export const MAX_GRANTS = 8
/** Largest number of scopes to which all grants of a statement together map. */
export const MAX_GRANTED_SCOPES = 64
/** Largest number of deployments where a statement counts. */
export const MAX_STATEMENT_AUDIENCES = 8
/** Longest time from `iat` to `exp`, in seconds: 366 days. */
export const MAX_STATEMENT_LIFETIME_S = 366 * 86_400
/** Time from `iat` to `exp` if the signer names none, in seconds: 90 days. */
export const DEFAULT_STATEMENT_LIFETIME_S = 90 * 86_400

/**
 * Kinds of statements.
 *
 * | kind | means |
 * |---|---|
 * | `lets-call` | agents of the subject may call audiences of the signer |
 * | `accepts-members-of` | the same for agents of the subject's members |
 * | `member` | the subject is a member of the signer |
 * | `blocks` | agents of the subject may call nothing of the signer, whatever other statements say |
 * | `chains-to` | agents of the signer may carry their authority to the issuer `sub_home` |
 */
export const STATEMENT_KINDS = ['lets-call', 'accepts-members-of', 'member', 'blocks', 'chains-to'] as const

/** A kind of statement. */
export type EdgeKind = (typeof STATEMENT_KINDS)[number]

/** Who can read a statement: its two parties, or everyone. */
export type StatementVisibility = 'parties' | 'public'

/**
 * Which scopes a statement gives at one audience.
 *
 * @example
 * ```ts
 * import type { TrustGrant } from '@auth4agent/core/trust/statement'
 *
 * const grant: TrustGrant = { audience: 'https://api.cargo.example/v1', scopes: { 'orders:read': ['read'] } }
 * ```
 */
export interface TrustGrant {
  /** A URL or host name. Empty only in `chains-to`: every audience at that issuer. */
  readonly audience: string
  /** By scope of the caller's token: the scopes that it stands for at the audience. Other scopes stand for nothing. */
  readonly scopes: Readonly<Record<string, readonly string[]>>
}

/**
 * A trust statement without id, version and times: what one operator proposes and another one signs.
 *
 * @example
 * ```ts
 * import type { TrustDraft } from '@auth4agent/core/trust/statement'
 *
 * const concerns = ({ iss, sub }: TrustDraft, operatorId: string) => iss === operatorId || sub === operatorId
 * ```
 */
export interface TrustDraft {
  /** Operator id of the signer. */
  readonly iss: string
  /** Issuer of the signer's deployment. */
  readonly home: string
  /** Domain of the signer, in A-labels. */
  readonly domain: string
  /** Operator id of the subject. Empty in `chains-to`. */
  readonly sub: string
  /** Issuer of the subject's deployment. In `chains-to`, the subject itself. */
  readonly subHome: string
  /** Domain of the subject, in A-labels. Empty in `chains-to`. */
  readonly subDomain: string
  /** Issuers of the deployments where the statement counts. */
  readonly aud: readonly string[]
  readonly kind: EdgeKind
  /** How many `member` statements may follow; only in `accepts-members-of`. */
  readonly depth?: 1 | 2
  /** Empty in `member` and `blocks`. */
  readonly grants: readonly TrustGrant[]
  readonly visibility: StatementVisibility
}

/**
 * A trust statement of an operator. Times are Unix seconds.
 *
 * @example
 * ```ts
 * import type { TrustStatement } from '@auth4agent/core/trust/statement'
 *
 * const isInForce = ({ nbf, exp }: TrustStatement, nowS: number) => nbf <= nowS && nowS < exp
 * ```
 */
export interface TrustStatement extends TrustDraft {
  /** A UUID of the signer's choice. */
  readonly jti: string
  /** Rises with each statement of the same signer, kind and subject. The newest one takes the place of the others. */
  readonly version: number
  readonly iat: number
  readonly nbf: number
  readonly exp: number
}
