import {
  ATTESTATION_LEVELS,
  type AttestationDemand,
  isAttestationLevel,
  isAttestationName,
} from '@auth4agent/core/token/attestation'
import type { RequiredAttestation } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const MAX_NAMES = 64
const NEEDS_OPERATORS = 'With attestation, operators must be given, because each operator chooses its trust roots'

/**
 * Parses the results of attestation that a verifier demands.
 *
 * @param operators the operators that the verifier demands
 * @returns undefined if the verifier demands none
 * @throws ApiError INVALID_ARGUMENT
 */
export function parseRequiredAttestation(
  required: RequiredAttestation | undefined,
  operators: readonly string[],
): AttestationDemand | undefined {
  if (required === undefined) return undefined
  const { types, attestors, level, maxAge } = required
  for (const [name, list] of Object.entries({ types, attestors })) {
    if (list.length <= MAX_NAMES && list.every(isAttestationName)) continue
    throw invalid(`${name} must have at most ${MAX_NAMES} names, each of 1 to 64 letters, digits, - and _`)
  }
  // Each operator pins its own trust roots, so any operator could make results of any type and level.
  if (operators.length === 0) throw new ApiError('INVALID_ARGUMENT', NEEDS_OPERATORS)
  const weakest = level === '' ? 'bearer' : level
  if (!isAttestationLevel(weakest)) throw invalid(`level must be ${ATTESTATION_LEVELS.join(', ')} or absent`)
  if (maxAge < 0) throw invalid('max_age must not be negative')
  return { types, attestors, level: weakest, maxAgeS: maxAge === 0 ? undefined : maxAge }
}

function invalid(demand: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `In attestation, ${demand}`)
}
