import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { bounded, type FieldRow, named, ownAgent, ownId, text } from './field-row.ts'

/** The statement of a release. */
const statement: FieldRow = {
  absent: 'INVALID_STATEMENT',
  wrong: {
    'has no dots': [text(1000), 'INVALID_STATEMENT'],
    'has 64 KiB less a little': [text(64_000), 'INVALID_STATEMENT'],
    'has 50 KB of dots': ['.'.repeat(50_000), 'INVALID_STATEMENT'],
  },
}

const BUNDLE = {
  events: ['a.b.c'],
  release: 'a.b.c',
  issuer: 'https://auth.other-server.com',
  founding_public_key: encodeBase64(new Uint8Array(32)),
  manifests: [],
}

/** One row for every field of the requests of AgentMoveService. The request of AdmitAgent has a DID already. */
export const agentMoveFieldRows: Readonly<Record<string, FieldRow>> = {
  'ReleaseAgentRequest.operator_id': ownId,
  'ReleaseAgentRequest.agent': ownAgent,
  'ReleaseAgentRequest.statement': statement,
  'ObjectToMoveRequest.operator_id': ownId,
  'ObjectToMoveRequest.agent': ownAgent,
  'ObjectToMoveRequest.reason': bounded(500),
  'AdmitAgentRequest.operator_id': ownId,
  'AdmitAgentRequest.did': {
    absent: 'INVALID_ARGUMENT',
    wrong: { 'has 5000 characters': [text(5000), 'INVALID_DID'] },
  },
  'AdmitAgentRequest.bundle': { wrong: { 'comes with a DID': [BUNDLE, 'INVALID_ARGUMENT'] } },
  'AdmitAgentRequest.bundle.events': {},
  'AdmitAgentRequest.bundle.release': {},
  'AdmitAgentRequest.bundle.issuer': {},
  'AdmitAgentRequest.bundle.founding_public_key': {},
  'AdmitAgentRequest.bundle.manifests': {},
  'AdmitAgentRequest.label': bounded(100),
  'ExportAgentRequest.did': named('INVALID_DID'),
}
