import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { did, type FieldRow, named, ownAgent, ownId, pageSize, pageToken, text } from './field-row.ts'

/** A JWS that an agent has signed. */
const jws = (reason: ReasonCode): FieldRow => ({
  absent: reason,
  wrong: {
    'is a word': ['event', reason],
    'has 8193 characters': [`${text(4096)}.${text(4000)}.${text(95)}`, reason],
    'has 60 KB': [text(60_000), reason],
    'has 60 KB of dots': ['.'.repeat(60_000), reason],
    'has parts that are not base64url': ['a+.b/.c=', reason],
    'has three empty parts': ['..', reason],
  },
})

/** One row for every field of the requests about agents' keys, by `Message.field`. */
export const agentKeyFieldRows: Readonly<Record<string, FieldRow>> = {
  'RegisterAgentRequest.inception': { wrong: jws('INVALID_KEY_EVENT').wrong ?? {} },
  'ResolveDidRequest.did': named('INVALID_DID'),
  'ResolveDidRequest.version_id': {
    wrong: {
      'is no number': ['x', 'INVALID_ARGUMENT'],
      'is empty': ['', 'INVALID_ARGUMENT'],
      'is negative': ['-1', 'INVALID_ARGUMENT'],
      'has an exponent': ['1e0', 'INVALID_ARGUMENT'],
      'is the next event': ['1', 'AGENT_NOT_FOUND'],
      'has 5000 digits': ['9'.repeat(5000), 'INVALID_ARGUMENT'],
    },
    fits: { 'is the newest version': '0' },
  },
  'ResolveDidRequest.version_time': {
    wrong: {
      'is before the registration': ['2020-01-01T00:00:00Z', 'AGENT_NOT_FOUND'],
      'has a fraction of a second': ['9999-12-31T23:59:59.5Z', 'INVALID_ARGUMENT'],
    },
    fits: { 'is the last time': '9999-12-31T23:59:59Z' },
  },
  'AppendKeyEventRequest.did': did,
  'AppendKeyEventRequest.event': jws('INVALID_KEY_EVENT'),
  'ListKeyEventsRequest.did': named('INVALID_DID'),
  'ListKeyEventsRequest.page_size': {
    wrong: {
      ...pageSize.wrong,
      'is one more than the maximum': ['501', 'INVALID_ARGUMENT'],
    },
    fits: { 'is the maximum': '500', 'is zero': '0' },
  },
  'ListKeyEventsRequest.page_token': pageToken,
  'RecoverAgentRequest.operator_id': ownId,
  'RecoverAgentRequest.agent': ownAgent,
  'RecoverAgentRequest.event': jws('INVALID_KEY_EVENT'),
  'ObjectToRecoveryRequest.did': did,
  'ObjectToRecoveryRequest.objection': jws('INVALID_STATEMENT'),
  'IssueTokenRequest.kid': {
    wrong: {
      'is another thumbprint': ['A'.repeat(43), 'INVALID_SIGNATURE'],
      'has 50 KB': [text(50_000), 'INVALID_SIGNATURE'],
      'is the name of a prototype': ['__proto__', 'INVALID_SIGNATURE'],
    },
  },
}
