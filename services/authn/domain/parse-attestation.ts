import { decodeBase64 } from '@auth4agent/core/encoding/base64'
import { isJsonObject, type JsonObject, parseStrictJsonText } from '@auth4agent/core/encoding/strict-json'
import { create } from '@bufbuild/protobuf'
import { type Attestation, AttestationSchema, EvidenceSchema } from '../../../gen/proto/auth4agent/v1/attestation_pb.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const MEMBERS: ReadonlySet<string> = new Set(['nonce', 'evidence', 'rule'])
const EVIDENCE_MEMBERS: ReadonlySet<string> = new Set(['attestor', 'evidence', 'signature'])
const MAX_EVIDENCE = 4

/**
 * Parses the parameter attestation: the JSON text of an Attestation, as other calls of REST have it. The signatures,
 * the nonce and the evidence are not checked here.
 *
 * @returns undefined for an empty text
 * @throws ApiError INVALID_ARGUMENT
 */
export function parseAttestation(text: string): Attestation | undefined {
  if (text === '') return undefined
  const read = parseStrictJsonText(text)
  if (!read.ok) throw invalid(`it must be a JSON object (${read.why})`)
  const { nonce, evidence, rule = '' } = expectMembers(read.value, MEMBERS)
  if (typeof nonce !== 'string' || typeof rule !== 'string') throw invalid('nonce and rule must be texts')
  if (!Array.isArray(evidence) || evidence.length === 0 || evidence.length > MAX_EVIDENCE) {
    throw invalid(`evidence must be a list of 1 to ${MAX_EVIDENCE} objects`)
  }
  return create(AttestationSchema, { nonce, rule, evidence: evidence.map(readEvidence) })
}

function readEvidence(value: unknown) {
  if (!isJsonObject(value)) throw invalid('evidence must be a list of objects')
  const { attestor, evidence, signature } = expectMembers(value, EVIDENCE_MEMBERS)
  if (typeof attestor !== 'string') throw invalid('attestor must be a text')
  return create(EvidenceSchema, {
    attestor,
    evidence: readBytes('evidence', evidence),
    signature: readBytes('signature', signature),
  })
}

function expectMembers(value: JsonObject, known: ReadonlySet<string>): JsonObject {
  const other = Object.keys(value).find((name) => !known.has(name))
  if (other === undefined) return value
  throw invalid(`the only members must be ${[...known].join(', ')}, not ${JSON.stringify(other.slice(0, 64))}`)
}

function readBytes(name: string, value: unknown): Uint8Array<ArrayBuffer> {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined) throw invalid(`${name} must be bytes in base64`)
  return Uint8Array.from(bytes)
}

function invalid(demand: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `In the parameter attestation, ${demand}`)
}
