import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { did, type FieldRow, mayAct, named, text, ttl } from './field-row.ts'

/** The capabilities of a grant. */
const details: FieldRow = {
  absent: 'MALFORMED_GRANT',
  wrong: {
    'is one character too long': [text(4097), 'MALFORMED_GRANT'],
    'has 50 KB': [text(50_000), 'MALFORMED_GRANT'],
    'is no JSON': ['[', 'MALFORMED_GRANT'],
    'has 2000 open brackets': ['['.repeat(2000), 'MALFORMED_GRANT'],
  },
}
const depth: FieldRow = {
  wrong: {
    'is negative': [-1, 'INVALID_ARGUMENT'],
    'is one more than the maximum': [9, 'INVALID_ARGUMENT'],
    'is the largest integer': [2_147_483_647, 'INVALID_ARGUMENT'],
  },
}

/** One row for every field of the requests about grants. */
export const grantFieldRows: Readonly<Record<string, FieldRow>> = {
  'CreateChallengeRequest.authorization_details': { wrong: details.wrong ?? {} },
  'CreateChallengeRequest.max_depth': { ...depth, fits: { 'is zero': 0, 'is the maximum': 8 } },
  'CreateChallengeRequest.may_act': mayAct,
  'IssueTokenRequest.may_act': mayAct,
  'IssueGrantRequest.did': did,
  'IssueGrantRequest.challenge': { absent: 'CHALLENGE_NOT_FOUND', ...named('CHALLENGE_NOT_FOUND') },
  'IssueGrantRequest.nonce': { absent: 'CHALLENGE_NOT_FOUND', ...named('CHALLENGE_NOT_FOUND') },
  'IssueGrantRequest.signature': {
    absent: 'INVALID_SIGNATURE',
    wrong: {
      'has 63 bytes': [encodeBase64(new Uint8Array(63)), 'INVALID_SIGNATURE'],
      'has 30000 bytes': [encodeBase64(new Uint8Array(30_000)), 'INVALID_SIGNATURE'],
    },
  },
  'IssueGrantRequest.authorization_details': details,
  'IssueGrantRequest.ttl': ttl,
  'IssueGrantRequest.max_depth': depth,
  'GetHolderStatementRequest.did': named('INVALID_DID'),
}
