import type { JsonObject } from '@auth4agent/core/encoding/strict-json'
import type { AttestationLevel } from '@auth4agent/core/token/attestation'

export { RefusedEvidence } from '../../platform/jwt/refused-evidence.ts'

/** Names of the types of attestors, as operators write them. */
export const ATTESTOR_TYPES = [
  'oidc',
  'kubernetes',
  'github-actions',
  'gitlab',
  'gcp',
  'azure',
  'spiffe-jwt',
  'spiffe-x509',
  'x509',
  'tpm',
  'eat',
  'client-attestation',
  'join-token',
] as const

/** Name of a type of attestors. */
export type AttestorTypeName = (typeof ATTESTOR_TYPES)[number]

/** A verified claim. Rules and people see only verified claims, and never the evidence. */
export type ClaimValue = string | number | boolean | readonly string[]

/** Verified claims: a flat object. Names are identifiers: a letter or `_`, then letters, digits and `_`. */
export type VerifiedClaims = Readonly<Record<string, ClaimValue>>

/** What a type has found in evidence that counts. */
export interface Appraisal {
  readonly claims: VerifiedClaims
  readonly level: AttestationLevel
  /** When the evidence itself expires, in Unix milliseconds; undefined if it does not say. */
  readonly expiresAt?: number | undefined
  /**
   * Ids of the evidence that may be used only once, such as the `jti` of a token with its issuer: texts that are
   * unique among all evidence. Several attestors of an operator may accept the same evidence. Each is remembered until
   * its time, in Unix milliseconds.
   */
  readonly uses: readonly { readonly id: string; readonly until: number }[]
}

/** The agent's key, and the nonce, to which evidence must be bound. */
export interface Binding {
  /** Raw Ed25519 public key of the agent. */
  readonly publicKey: Uint8Array
  /** RFC 7638 thumbprint of that key. */
  readonly thumbprint: string
  /** The audience that evidence must name if its issuer lets the agent choose: `<issuer>/attest/<thumbprint>`. */
  readonly audience: string
  /**
   * The nonce of the request: 32 bytes, and as base64url. The server has made it for this key. Undefined in a dry run
   * without a nonce: then evidence that needs one is refused.
   */
  readonly nonce: { readonly bytes: Uint8Array; readonly text: string } | undefined
}

/** What the appraisal of evidence may use besides the evidence and the configuration. */
export interface AppraisalContext {
  readonly binding: Binding
  /** The issuer of this deployment. */
  readonly issuer: string
  /**
   * Id of the attestor. Its configuration can change under the same id, so a cache is keyed by the id and by
   * everything in the configuration that the cached value depends on.
   */
  readonly attestorId: string
  /** Unix milliseconds. */
  readonly now: number
  /** By how much clocks may differ, in milliseconds. */
  readonly skewMs: number
}

/**
 * One type of attestors. A type believes nothing because the evidence says so: every trust root is in the
 * configuration. It verifies the bytes that it parses.
 */
export interface AttestorType<Config> {
  /**
   * Reads the configuration of an attestor, as the operator has written it. Refuses unknown members.
   *
   * @throws ApiError INVALID_ATTESTOR, whose message says what the member must be
   */
  parseConfig(config: JsonObject): Config
  /**
   * Makes the challenge of the type, for a type that needs one besides the nonce. It keeps no state: the evidence must
   * show by the nonce that it answers this challenge.
   *
   * @throws RefusedEvidence, ApiError UNAVAILABLE
   */
  challenge?(config: Config, input: Uint8Array, context: AppraisalContext): Promise<Uint8Array>
  /**
   * Appraises evidence (RFC 9334 section 4).
   *
   * @throws RefusedEvidence when the evidence does not count; ApiError UNAVAILABLE when that cannot be decided now,
   *   for example because keys cannot be fetched. Every other error is a defect, and counts as a refusal.
   */
  appraise(config: Config, evidence: Uint8Array, context: AppraisalContext): Promise<Appraisal>
}
