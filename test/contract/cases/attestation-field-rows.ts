import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { bounded, did, type FieldRow, key, ownAgent, ownId, text } from './field-row.ts'

/** Returns rows for the fields of an attestation that the valid request of a call does not have. */
const unused = (prefix: string): Record<string, FieldRow> =>
  Object.fromEntries(
    ['', '.nonce', '.evidence', '.evidence.attestor', '.evidence.evidence', '.evidence.signature', '.rule'].map(
      (name) => [`${prefix}${name}`, {}],
    ),
  )

const bytes = (length: number, reason: ReasonCode): readonly [string, ReasonCode] => [
  encodeBase64(new Uint8Array(length)),
  reason,
]

/** One row for every field about attestation, except those of AttestationPolicyService. */
export const attestationFieldRows: Readonly<Record<string, FieldRow>> = {
  'CreateAttestationNonceRequest.agent_public_key': key,
  'CreateAttestationNonceRequest.purpose': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is unknown': ['login', 'INVALID_ARGUMENT'],
      'is in another case': ['Enrol', 'INVALID_ARGUMENT'],
      'is the name of a prototype': ['__proto__', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
  },
  'CreateAttestationNonceRequest.operator_id': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is no UUID': ['acme', 'INVALID_ARGUMENT'],
      'is in upper case': ['00000000-0000-8000-8000-00000000000A', 'INVALID_ARGUMENT'],
      'ends with a line feed': ['00000000-0000-8000-8000-000000000000\n', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
  },
  'CreateAttestationNonceRequest.attestor': {
    wrong: {
      'is unknown': ['nobody', 'ATTESTOR_NOT_FOUND'],
      'is the name of a prototype': ['__proto__', 'ATTESTOR_NOT_FOUND'],
      'has 50 KB': [text(50_000), 'ATTESTOR_NOT_FOUND'],
      'needs no challenge': ['tokens', 'INVALID_ARGUMENT'],
    },
  },
  'CreateAttestationNonceRequest.challenge_input': {},
  'AttestRequest.did': did,
  'AttestRequest.attestation': {},
  'AttestRequest.attestation.nonce': {
    absent: 'NONCE_NOT_ACCEPTED',
    wrong: {
      'has 31 bytes': ['A'.repeat(42), 'NONCE_NOT_ACCEPTED'],
      'has 33 bytes': ['A'.repeat(44), 'NONCE_NOT_ACCEPTED'],
      'is no nonce of the server': ['A'.repeat(43), 'NONCE_NOT_ACCEPTED'],
      'has 50 KB': [text(50_000), 'NONCE_NOT_ACCEPTED'],
    },
  },
  'AttestRequest.attestation.evidence': { absent: 'INVALID_ARGUMENT' },
  'AttestRequest.attestation.evidence.attestor': {
    absent: 'ATTESTOR_NOT_FOUND',
    wrong: {
      'is unknown': ['nobody', 'ATTESTOR_NOT_FOUND'],
      'is in another case': ['Tokens', 'ATTESTOR_NOT_FOUND'],
      'is the name of a prototype': ['__proto__', 'ATTESTOR_NOT_FOUND'],
    },
  },
  'AttestRequest.attestation.evidence.evidence': {
    absent: 'INVALID_SIGNATURE',
    wrong: { 'has 30000 other bytes': bytes(30_000, 'INVALID_SIGNATURE') },
  },
  'AttestRequest.attestation.evidence.signature': {
    absent: 'INVALID_SIGNATURE',
    wrong: {
      'has 63 bytes': bytes(63, 'INVALID_SIGNATURE'),
      'has 64 zero bytes': bytes(64, 'INVALID_SIGNATURE'),
      'has 65 bytes': bytes(65, 'INVALID_SIGNATURE'),
      'has 30000 bytes': bytes(30_000, 'INVALID_SIGNATURE'),
    },
  },
  'AttestRequest.attestation.rule': {},
  'ListAttestationResultsRequest.operator_id': ownId,
  'ListAttestationResultsRequest.agent': ownAgent,
  'RemoveAttestationResultsRequest.operator_id': ownId,
  'RemoveAttestationResultsRequest.agent': ownAgent,
  'RemoveAttestationResultsRequest.reason': bounded(500),
  ...unused('RegisterAgentRequest.attestation'),
  ...unused('IssueTokenRequest.attestation'),
  'TokenRequest.attestation': {},
  'VerifyTokenRequest.attestation': {},
  'VerifyTokenRequest.attestation.types': {},
  'VerifyTokenRequest.attestation.attestors': {},
  'VerifyTokenRequest.attestation.level': {},
  'VerifyTokenRequest.attestation.max_age': {},
}
