import { parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import type { PutAttestorRequest } from '../../../gen/proto/auth4agent/v1/attestation_policy_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { isAttestorName } from '../rules/demands.ts'
import type { NewAttestor } from '../store/attestors.ts'
import type { AttestorTypes } from '../types/index.ts'
import { isAttestorType } from '../types/is-attestor-type.ts'

/** Characters. An operator has 32 attestors, and reading a configuration costs time in proportion to its length. */
const MAX_CONFIG = 16 * 1024
const MIN_TTL = 60
const MAX_TTL = 31_536_000
const DEFAULT_TTL = 3600

/**
 * Checks an attestor as the operator describes it.
 *
 * @throws ApiError INVALID_ATTESTOR
 */
export function readNewAttestor(request: PutAttestorRequest, types: AttestorTypes): NewAttestor {
  const { name, type, resultTtl } = request
  if (!isAttestorName(name)) {
    throw invalid('name must be a letter of a-z, then up to 62 characters of a-z, 0-9 and _')
  }
  const known = isAttestorType(type) ? types[type] : undefined
  if (known === undefined) throw invalid(`type must be one of ${Object.keys(types).join(', ')}`)
  if (resultTtl !== 0 && (resultTtl < MIN_TTL || resultTtl > MAX_TTL)) {
    throw invalid(`result_ttl must be between ${MIN_TTL} and ${MAX_TTL}, or 0`)
  }
  const text = JSON.stringify(request.config ?? {})
  if (text.length > MAX_CONFIG) throw invalid(`config must have at most ${MAX_CONFIG} characters`)
  // Over gRPC the configuration never was a text, so it is parsed here as it will be read from its row.
  const config = parseStrictJsonText(text)
  if (!config.ok) throw invalid(`config must be strict JSON: ${config.why}`)
  known.checkConfig(config.value)
  return { name, type, config: config.value, resultTtl: resultTtl === 0 ? DEFAULT_TTL : resultTtl }
}

function invalid(detail: string): ApiError {
  return new ApiError('INVALID_ATTESTOR', detail)
}
