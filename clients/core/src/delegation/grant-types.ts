import type { Ed25519Jwk } from '../jose/public-jwk.ts'
import type { Capabilities } from './constraint.ts'

/** `typ` of a grant (draft-niyikiza-oauth-attenuating-agent-tokens-02 section 3.5). */
export const GRANT_TYPE = 'aat+jwt'
/** `typ` of a holder statement. */
export const HOLDER_STATEMENT_TYPE = 'auth4agent-holder+jwt'
/** The only algorithm of grants and holder statements (RFC 9864 section 2.2). */
export const GRANT_ALGORITHM = 'Ed25519'
/** Longest accepted text of a grant. */
export const MAX_GRANT_BYTES = 4_096
/** Longest accepted text of a chain of grants. */
export const MAX_CHAIN_BYTES = 16_384
/** Largest depth of a grant. The root has depth 0, so a chain has at most one grant more. */
export const MAX_DEPTH = 8
/** Longest lifetime of a grant and of a holder statement, in seconds. */
export const MAX_GRANT_TTL_S = 3_600

/** The agent that holds a grant. The issuer says so: in the root, and in the holder statement of each other grant. */
export interface Holder {
  readonly did: string
  readonly operatorId: string
  /** Epochs of the agent and of its operator. */
  readonly epoch: readonly [agent: number, operator: number]
}

/** From when until when a statement or grant is valid, in Unix seconds. */
export interface Lifetime {
  readonly iat: number
  readonly exp: number
}

/** One verified grant of a chain. */
export interface Hop extends Holder, Lifetime {
  /** `kid` of the issuer's key that signed the root, or the holder statement of a derived grant. */
  readonly kid: string
  /** SHA-256 of the signing input, base64url. A child names it in `par_hash`, a revocation in `subject`. */
  readonly id: string
  readonly jti: string
  /** The holder's key, and its RFC 7638 thumbprint. */
  readonly publicJwk: Ed25519Jwk
  readonly jkt: string
  /** 0 for the root. */
  readonly depth: number
  readonly maxDepth: number
  readonly capabilities: Capabilities
  /** The domains whose agents may hold the grants below this one: its own `a4a_to`, or that of the parent. */
  readonly allowedDomains: readonly string[]
  /** Ids of the edges of trust through which a root was issued. If one of them ends, the grant ends. */
  readonly edges?: readonly string[]
  /** Lifetime of the holder statement. The root needs no statement. */
  readonly statement: Lifetime | undefined
}

/** A chain with valid signatures whose grants only narrow. It may be expired or revoked. */
export interface GenuineChain {
  readonly issuer: string
  /** Root first. There is at least one. */
  readonly hops: readonly Hop[]
}
