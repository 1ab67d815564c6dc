import { isJsonObject } from '../encoding/strict-json.ts'
import { isUnixSeconds } from '../jose/numeric-date.ts'

/**
 * How strongly evidence was bound to the key of the agent, weakest first.
 *
 * - `bearer`: a secret that anybody who learns it could send with a key of their own.
 * - `bound`: the issuer of the evidence, or a key that it has certified, names the agent's key or signs the nonce.
 * - `hardware`: as bound, by a key that cannot leave hardware.
 */
export const ATTESTATION_LEVELS = ['bearer', 'bound', 'hardware'] as const

/** How strongly evidence was bound to the key of the agent. */
export type AttestationLevel = (typeof ATTESTATION_LEVELS)[number]

/** A result of attestation (RFC 9334 section 4.1), as a token states it. */
export interface TokenAttestation {
  /** Name of the attestor, as the operator of the agent has configured it. */
  readonly attestor: string
  /** Type of the attestor, such as `tpm`. */
  readonly type: string
  readonly level: AttestationLevel
  /** When the evidence was appraised, in Unix seconds. */
  readonly at: number
}

/**
 * What a verifier demands of the results that a token states. One result must meet all of it. Each operator chooses
 * the trust roots of its attestors, so demand operators too.
 */
export interface AttestationDemand {
  /** Types of attestors; empty for any type. */
  readonly types: readonly string[]
  /** Names of attestors; empty for any name. */
  readonly attestors: readonly string[]
  /** The weakest level. */
  readonly level: AttestationLevel
  /** Oldest age of the result in seconds; undefined for any age. */
  readonly maxAgeS: number | undefined
}

/** Largest number of results that a token states. */
export const MAX_ATTESTATIONS = 8
const MEMBERS = 4
const NAME = /^[\w-]{1,64}$/

/**
 * Tells whether a text has the form of the name of an attestor, or of a type.
 *
 * @example
 * ```ts
 * import { isAttestationName } from '@auth4agent/core/token/attestation'
 *
 * isAttestationName('github-actions') // true
 * ```
 */
export function isAttestationName(text: unknown): text is string {
  return typeof text === 'string' && NAME.test(text)
}

/**
 * Tells whether a value is the name of a level.
 *
 * @example
 * ```ts
 * import { isAttestationLevel } from '@auth4agent/core/token/attestation'
 *
 * isAttestationLevel('hardware') // true
 * ```
 */
export function isAttestationLevel(value: unknown): value is AttestationLevel {
  return ATTESTATION_LEVELS.some((level) => level === value)
}

/**
 * Tells whether a value is the claim `attestation` of a token: 1 to 8 results, none of them newer than the token.
 *
 * @param iat when the token was issued, in Unix seconds
 * @example
 * ```ts
 * import { isAttestation } from '@auth4agent/core/token/attestation'
 *
 * isAttestation([{ attestor: 'boot', type: 'tpm', level: 'hardware', at: 1_800_000_000 }], 1_800_000_060) // true
 * ```
 */
export function isAttestation(value: unknown, iat: number): value is TokenAttestation[] {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MAX_ATTESTATIONS &&
    value.every((entry) => isResult(entry, iat))
  )
}

/** Accepts no other member, because it could restrict the result in a way that this version cannot enforce. */
function isResult(value: unknown, iat: number): value is TokenAttestation {
  if (!isJsonObject(value) || Object.keys(value).length !== MEMBERS) return false
  const { attestor, type, level, at } = value
  if (!isAttestationName(attestor) || !isAttestationName(type) || !isAttestationLevel(level)) return false
  return isUnixSeconds(at) && at <= iat
}

/**
 * Tells whether one of the results that a token states meets a demand.
 *
 * @param nowS Unix seconds. The age of a result is compared without a clock skew.
 * @example
 * ```ts
 * import { meetsAttestation } from '@auth4agent/core/token/attestation'
 *
 * const demand = { types: ['tpm'], attestors: [], level: 'hardware', maxAgeS: 3_600 } as const
 * const isAttested = meetsAttestation(claims, demand, Math.floor(Date.now() / 1_000))
 * ```
 */
export function meetsAttestation(
  { attestation = [] }: { readonly attestation?: readonly TokenAttestation[] },
  { types, attestors, level, maxAgeS }: AttestationDemand,
  nowS: number,
): boolean {
  return attestation.some(
    (result) =>
      (types.length === 0 || types.includes(result.type)) &&
      (attestors.length === 0 || attestors.includes(result.attestor)) &&
      ATTESTATION_LEVELS.indexOf(result.level) >= ATTESTATION_LEVELS.indexOf(level) &&
      (maxAgeS === undefined || nowS - result.at <= maxAgeS),
  )
}
