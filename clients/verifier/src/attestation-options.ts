import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import {
  ATTESTATION_LEVELS,
  type AttestationDemand,
  type AttestationLevel,
  isAttestationLevel,
  isAttestationName,
} from '@auth4agent/core/token/attestation'
import { readNumber } from './read-number.ts'

/**
 * A demand on the results of attestation that a token states: what attestors have found out about its agent, at the
 * time when the token was issued. One result must meet the whole demand. `{}` demands a result of any kind.
 *
 * The operator of the agent has configured its attestors and their trust roots, so a result is worth as much as the
 * operator. A demand therefore needs a list of `operators` instead of 'any'. A delegated token states the results of
 * the agent that acts, whose operator must then be one of `operators` too. A chain of grants, and with
 * `trust: 'server'` a token of another deployment, meet no demand.
 *
 * @example
 *
 * ```ts
 * const claims = await verifier.verify(token, {
 *   scope: 'release',
 *   attestation: { types: ['tpm'], level: 'hardware', maxAge: 3_600 },
 * })
 * ```
 */
export interface AttestationOptions {
  /** Types of attestors, such as `tpm` or `kubernetes`. By default any type. */
  readonly types?: readonly string[]
  /** Names of attestors, as the operators have chosen them. By default any name. */
  readonly attestors?: readonly string[]
  /** The weakest level: 'bearer' (the default), 'bound' or 'hardware'. */
  readonly level?: AttestationLevel
  /** How old the result may be, in seconds, by the clock of this service. By default any age. */
  readonly maxAge?: number
}

const NAMES: Names<AttestationOptions> = { types: true, attestors: true, level: true, maxAge: true }
const MAX_NAMES = 64
const MAX_AGE_S = 31_536_000

/**
 * Reads the option `attestation`. Throws TypeError for an option that is unknown, or present but empty or undefined,
 * and for the operators 'any'.
 *
 * @param isAnyOperator whether the operators of an issuer are 'any'
 */
export function readAttestation(options: unknown, isAnyOperator: boolean): AttestationDemand {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('attestation must be an object, such as { types, attestors, level, maxAge }')
  refuseUnknownNames('option of attestation', options, NAMES)
  const { types, attestors, level, maxAge }: { [Name in keyof AttestationOptions]?: unknown } = options
  if (isAnyOperator)
    throw new TypeError("attestation needs operators instead of 'any', because each operator chooses its trust roots")
  return {
    types: 'types' in options ? readNames('types', types) : [],
    attestors: 'attestors' in options ? readNames('attestors', attestors) : [],
    level: 'level' in options ? readLevel(level) : 'bearer',
    maxAgeS: 'maxAge' in options ? readAge(maxAge) : undefined,
  }
}

function readNames(option: string, value: unknown): readonly string[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : []
  const names = given.filter(isAttestationName)
  if (names.length > 0 && names.length === given.length && names.length <= MAX_NAMES) return names
  throw new TypeError(`attestation.${option} must be a list of 1 to ${MAX_NAMES} names`)
}

function readAge(value: unknown): number {
  return readNumber('attestation.maxAge', typeof value === 'number' ? value : Number.NaN, 1, MAX_AGE_S)
}

function readLevel(value: unknown): AttestationLevel {
  if (isAttestationLevel(value)) return value
  throw new TypeError(`attestation.level must be ${ATTESTATION_LEVELS.join(', ')} or left out`)
}
