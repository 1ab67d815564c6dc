import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { ISSUER } from '../../support/deployment.ts'
import { agentKeyFieldRows } from './agent-key-field-rows.ts'
import { agentMoveFieldRows } from './agent-move-field-rows.ts'
import { attestationFieldRows } from './attestation-field-rows.ts'
import { attestationPolicyFieldRows } from './attestation-policy-field-rows.ts'
import { federationFieldRows } from './federation-field-rows.ts'
import {
  alone,
  anyOperator,
  audience,
  bounded,
  did,
  type FieldRow,
  key,
  many,
  named,
  ownAgent,
  ownId,
  pageSize,
  pageToken,
  scope,
  text,
  time,
  ttl,
} from './field-row.ts'
import { grantFieldRows } from './grant-field-rows.ts'
import { issuerFieldRows } from './issuer-field-rows.ts'
import { oauthFieldRows } from './oauth-field-rows.ts'
import { peopleFieldRows } from './people-field-rows.ts'
import { signalFieldRows } from './signal-field-rows.ts'
import { statusListFieldRows } from './status-lists.ts'
import { trustFieldRows } from './trust-field-rows.ts'
import { userAccessFieldRows } from './user-access-field-rows.ts'

/** One row for every field of every request, by `Message.field`, with nested fields after it. */
export const fieldRows: Readonly<Record<string, FieldRow>> = {
  'RegisterOperatorRequest.domain': {
    absent: 'INVALID_DOMAIN',
    wrong: { 'has 5000 characters': [`${text(5000)}.com`, 'INVALID_DOMAIN'] },
  },
  'RegisterOperatorRequest.root_public_key': key,
  'GetOperatorRequest.id': anyOperator,
  'GetDomainVerificationRequest.id': anyOperator,
  'ConfirmDomainRequest.id': anyOperator,
  'ReleaseDomainRequest.id': ownId,
  'ReleaseDomainRequest.reason': bounded(500),
  'GetOperatorPolicyRequest.id': ownId,
  'SetOperatorPolicyRequest.id': ownId,
  'SetOperatorPolicyRequest.policy': {},
  'SetOperatorPolicyRequest.policy.audiences': {},
  'SetOperatorPolicyRequest.policy.audiences.audience': {
    absent: 'INVALID_AUDIENCE',
    wrong: { 'has 256 characters': [`https://acme-operator.com/${text(230)}`, 'INVALID_AUDIENCE'] },
  },
  'SetOperatorPolicyRequest.policy.audiences.callers': {
    wrong: {
      'has too many entries': [many(65, 'c').map((label) => `${label}.com`), 'INVALID_DOMAIN'],
      'has an empty entry': [[''], 'INVALID_DOMAIN'],
    },
  },
  'SetOperatorPolicyRequest.policy.audiences.token_signing_alg': {
    wrong: {
      'is unknown': ['HS256', 'INVALID_ALGORITHM'],
      'is in another case': ['es256', 'INVALID_ALGORITHM'],
      'has a blank': ['ES256 ', 'INVALID_ALGORITHM'],
      'is the name of a prototype': ['constructor', 'INVALID_ALGORITHM'],
      'has 50 KB': [text(50_000), 'INVALID_ALGORITHM'],
    },
    fits: {
      'is empty': '',
      'is the default': 'EdDSA',
      'is the name of RFC 9864': 'Ed25519',
      'is for a curve': 'ES256',
      'is for RSA': 'RS256',
    },
  },
  'SetOperatorPolicyRequest.policy.audiences.dpop': {
    wrong: {
      'is unknown': ['optional', 'INVALID_ARGUMENT'],
      'is in another case': ['Required', 'INVALID_ARGUMENT'],
      'has a blank': ['required ', 'INVALID_ARGUMENT'],
      'is the name of a prototype': ['constructor', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
    fits: { 'is empty': '', 'demands a proof': 'required', 'demands a nonce': 'required-with-nonce' },
  },
  'SetOperatorPolicyRequest.policy.audiences.token_status': {
    wrong: {
      'is unknown': ['introspection', 'INVALID_ARGUMENT'],
      'is in another case': ['Status_list', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
    fits: { 'is empty': '', 'demands a list': 'status_list' },
  },
  'SetOperatorPolicyRequest.policy.require_bound_challenges': {},
  'SetOperatorPolicyRequest.policy.require_body_digest': {},
  'SetOperatorPolicyRequest.policy.hide_allowed_scopes': {},
  'SetOperatorPolicyRequest.policy.delegate_to': {
    wrong: {
      'has too many entries': [many(16, 'c').map((label) => `${label}.com`), 'INVALID_DOMAIN'],
      'has an empty entry': [[''], 'INVALID_DOMAIN'],
      'is a wildcard': [['*'], 'INVALID_DOMAIN'],
    },
    fits: { 'has the maximum of entries': many(15, 'c').map((label) => `${label}.com`) },
  },
  'SetOperatorPolicyRequest.policy.etag': {
    wrong: {
      'is of no policy': [`${text(42)}A`, 'POLICY_CHANGED'],
      'has 50 KB': [text(50_000), 'POLICY_CHANGED'],
    },
    fits: { 'is empty': '' },
  },
  'SetOperatorPolicyRequest.policy.max_grant_ttl': {
    wrong: {
      'is negative': [-1, 'INVALID_ARGUMENT'],
      'is one less than the minimum': [59, 'INVALID_ARGUMENT'],
      'is one more than the maximum': [3601, 'INVALID_ARGUMENT'],
    },
    fits: { 'is the minimum': 60, 'is the maximum': 3600, 'is zero': 0 },
  },

  'GetOperatorKeysRequest.id': ownId,
  'SetOperatorKeysRequest.id': ownId,
  'SetOperatorKeysRequest.manifest': {
    absent: 'INVALID_MANIFEST',
    wrong: {
      'is one character too long': [text(32_769), 'INVALID_MANIFEST'],
      'has 50 KB': [text(50_000), 'INVALID_MANIFEST'],
      'has 50 KB of dots': ['.'.repeat(50_000), 'INVALID_MANIFEST'],
      'has parts that are not base64url': ['a.b=.c', 'INVALID_MANIFEST'],
    },
  },
  'SubmitKeyRequestRequest.invitation': {
    absent: 'INVALID_INVITATION',
    wrong: {
      'is one character too long': [text(4_097), 'INVALID_INVITATION'],
      'has parts that are not base64url': ['a.b=.c', 'INVALID_INVITATION'],
    },
  },
  'SubmitKeyRequestRequest.request': {
    absent: 'INVALID_KEY_REQUEST',
    wrong: {
      'is one character too long': [text(8_193), 'INVALID_KEY_REQUEST'],
      'has parts that are not base64url': ['a.b=.c', 'INVALID_KEY_REQUEST'],
    },
  },
  'ListKeyRequestsRequest.id': ownId,
  'DropKeyRequestRequest.id': ownId,
  'DropKeyRequestRequest.kid': { wrong: {}, fits: { 'is unknown': 'x' } },
  'EndAllTokensRequest.id': ownId,
  'EndAllTokensRequest.reason': bounded(500),
  'SuspendOperatorRequest.id': anyOperator,
  'SuspendOperatorRequest.reason': bounded(500),
  'ReinstateOperatorRequest.id': anyOperator,
  'GetAuditRecordRequest.id': ownId,
  'GetAuditRecordRequest.record_id': named('AUDIT_RECORD_NOT_FOUND'),
  'ListAuditRecordsRequest.id': ownId,
  'ListAuditRecordsRequest.page_size': pageSize,
  'ListAuditRecordsRequest.page_token': pageToken,
  'ListAuditRecordsRequest.action': bounded(64),
  'ListAuditRecordsRequest.subject': bounded(512),
  'ListAuditRecordsRequest.outcome': {
    wrong: {
      'is unknown': ['DONE', 'INVALID_ARGUMENT'],
      'is the name of a prototype': ['constructor', 'INVALID_ARGUMENT'],
    },
  },
  'ListAuditRecordsRequest.since': time,
  'ListAuditRecordsRequest.until': time,
  'RegisterAgentRequest.operator_id': ownId,
  'RegisterAgentRequest.did': { wrong: { 'has 5000 characters': [text(5000), 'INVALID_DID'] } },
  'RegisterAgentRequest.did_document': { wrong: { 'names another DID': [{ id: 'did:key:z' }, 'INVALID_ARGUMENT'] } },
  'RegisterAgentRequest.agent_public_key': key,
  'RegisterAgentRequest.label': bounded(100),
  'RegisterAgentRequest.inception': {},
  'IssueTokenRequest.kid': {},
  'ListAgentsRequest.operator_id': ownId,
  'ListAgentsRequest.page_size': pageSize,
  'ListAgentsRequest.page_token': pageToken,
  'ListAgentsRequest.status': {
    wrong: {
      'is unknown': ['ACTIVE', 'INVALID_ARGUMENT'],
      'is the name of a prototype': ['__proto__', 'INVALID_ARGUMENT'],
    },
  },
  'GetAgentRequest.did': named('INVALID_DID'),
  'ApproveAgentRequest.operator_id': ownId,
  'ApproveAgentRequest.agent': ownAgent,
  'SetAgentScopesRequest.operator_id': ownId,
  'SetAgentScopesRequest.did': { absent: 'AGENT_NOT_FOUND', ...ownAgent },
  'SetAgentScopesRequest.allowed_scopes': {
    wrong: {
      'has too many entries': [many(65, 's'), 'INVALID_SCOPE'],
      'has an entry that is too long': [[text(129)], 'INVALID_SCOPE'],
      'has an empty entry': [[''], 'INVALID_SCOPE'],
      'has a wildcard': [['*'], 'INVALID_SCOPE'],
    },
    fits: { 'has the maximum of entries': many(64, 's'), 'has the longest entry': [text(128)], 'is empty': [] },
  },
  'UpdateAgentRequest.operator_id': ownId,
  'UpdateAgentRequest.agent': ownAgent,
  'UpdateAgentRequest.label': bounded(100),
  'UpdateAgentRequest.require_bound_challenges': {},
  'UpdateAgentRequest.max_delegation_depth': {
    wrong: {
      'is negative': [-1, 'INVALID_ARGUMENT'],
      'is one more than the maximum': [9, 'INVALID_ARGUMENT'],
    },
    fits: { 'is the maximum': 8, 'is zero': 0 },
  },
  'UpdateAgentRequest.redirect_uris': {},
  'UpdateAgentRequest.redirect_uris.uris': {
    wrong: {
      'has too many entries': [many(17, 'https://a.example/'), 'INVALID_ARGUMENT'],
      'has an entry that is too long': [[`https://a.example/${text(600)}`], 'INVALID_ARGUMENT'],
      'has an empty entry': [[''], 'INVALID_ARGUMENT'],
      'has http elsewhere': [['http://a.example/'], 'INVALID_ARGUMENT'],
    },
    fits: { 'has the maximum of entries': many(16, 'https://a.example/'), 'is empty': [] },
  },
  'SuspendAgentRequest.operator_id': ownId,
  'SuspendAgentRequest.agent': ownAgent,
  'SuspendAgentRequest.reason': bounded(500),
  'ReactivateAgentRequest.operator_id': ownId,
  'ReactivateAgentRequest.agent': ownAgent,
  'RevokeAgentRequest.operator_id': ownId,
  'RevokeAgentRequest.agent': ownAgent,
  'RevokeAgentRequest.reason': bounded(500),
  'CreateChallengeRequest.did': did,
  'CreateChallengeRequest.scope': scope,
  'CreateChallengeRequest.audience': audience,
  'CreateChallengeRequest.ttl': ttl,
  'IssueTokenRequest.did': did,
  'IssueTokenRequest.challenge': { absent: 'CHALLENGE_NOT_FOUND', ...named('CHALLENGE_NOT_FOUND') },
  'IssueTokenRequest.nonce': { absent: 'CHALLENGE_NOT_FOUND', ...named('CHALLENGE_NOT_FOUND') },
  'IssueTokenRequest.signature': {
    absent: 'INVALID_SIGNATURE',
    wrong: {
      'has 63 bytes': [encodeBase64(new Uint8Array(63)), 'INVALID_SIGNATURE'],
      'has 65 bytes': [encodeBase64(new Uint8Array(65)), 'INVALID_SIGNATURE'],
      'has 30000 bytes': [encodeBase64(new Uint8Array(30_000)), 'INVALID_SIGNATURE'],
    },
  },
  'IssueTokenRequest.scope': scope,
  'IssueTokenRequest.audience': audience,
  'IssueTokenRequest.ttl': ttl,
  'VerifyTokenRequest.token': { fits: { 'has 50 KB': text(50_000) } },
  'VerifyTokenRequest.audience': {
    wrong: {
      'has too many entries': [many(65, 'a'), 'INVALID_ARGUMENT'],
      'has an empty entry': [['a.com', ''], 'INVALID_AUDIENCE'],
    },
    fits: { 'has the maximum of entries': many(64, 'a') },
  },
  'VerifyTokenRequest.scope': scope,
  'VerifyTokenRequest.operators': {
    wrong: {
      'has too many entries': [many(65, 'a'), 'INVALID_ARGUMENT'],
      'has an empty entry': [['a.com', ''], 'INVALID_ARGUMENT'],
    },
    fits: { 'has the maximum of entries': many(64, 'a') },
  },
  'VerifyTokenRequest.dpop_proof': alone('a.b.c'),
  'VerifyTokenRequest.http_method': alone('POST'),
  'VerifyTokenRequest.http_url': alone('https://api.acme-operator.com/'),
  'VerifyTokenRequest.delegation': {
    wrong: {
      'is another word': ['allow', 'INVALID_ARGUMENT'],
      'comes without audience and scope': ['accept', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
  },
  'VerifyTokenRequest.arguments': { fits: { 'is empty': {}, 'has a text of 50 KB': { a: text(50_000) } } },
  'VerifyTokenRequest.actors': {
    wrong: {
      'has too many entries': [many(65, 'a'), 'INVALID_ARGUMENT'],
      'has an empty entry': [['a.com', ''], 'INVALID_ARGUMENT'],
    },
    fits: { 'has the maximum of entries': many(64, 'a') },
  },
  'VerifyTokenRequest.proof_checked': { fits: { 'is true': true } },
  'VerifyTokenRequest.issuers': {
    wrong: {
      'has too many entries': [many(33, 'https://a.com'), 'INVALID_ARGUMENT'],
      'has an empty entry': [[''], 'INVALID_ARGUMENT'],
      'has an entry of 2049 characters': [[text(2_049)], 'INVALID_ARGUMENT'],
      'names a foreign issuer without an audience': [['https://auth.other.com'], 'INVALID_ARGUMENT'],
    },
    fits: { 'names only this deployment': [ISSUER] },
  },
  'RevokeTokenRequest.token': { wrong: { 'comes with a jti': ['a.b.c', 'INVALID_ARGUMENT'] } },
  'RevokeTokenRequest.jti': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'has 65 characters': [text(65), 'INVALID_ARGUMENT'],
      'has a blank': ['a b', 'INVALID_ARGUMENT'],
      'is not ASCII': ['é', 'INVALID_ARGUMENT'],
    },
    fits: { 'has 64 characters': text(64) },
  },
  'RevokeTokenRequest.reason': bounded(500),
  'WatchRevocationsRequest.after_sequence': {
    wrong: {
      'comes without its log epoch': ['1', 'INVALID_ARGUMENT'],
      'is the largest integer': ['18446744073709551615', 'INVALID_ARGUMENT'],
    },
  },
  'WatchRevocationsRequest.log_epoch': {
    wrong: { 'comes alone': [1, 'INVALID_ARGUMENT'], 'is negative': [-1, 'INVALID_ARGUMENT'] },
  },
  'WatchRevocationsRequest.hash': {
    wrong: {
      'comes alone': [encodeBase64(new Uint8Array(32)), 'INVALID_ARGUMENT'],
      'has 10 KB': [encodeBase64(new Uint8Array(10_000)), 'INVALID_ARGUMENT'],
    },
  },
  'WatchRevocationsRequest.until_head': {},
  'EndAllTokensOfDeploymentRequest.reason': bounded(500),
  'ContractSchemaRequest.reason': bounded(500),
  'RotateSigningKeysRequest.alg': {
    wrong: {
      'is in another case': ['eddsa', 'INVALID_ALGORITHM'],
      'is the name of a prototype': ['__proto__', 'INVALID_ALGORITHM'],
    },
  },
  'RotateSigningKeysRequest.kid': named('KEY_NOT_FOUND'),
  'RotateSigningKeysRequest.reason': bounded(500),
  'MarkKeyCompromisedRequest.kid': named('KEY_NOT_FOUND'),
  'MarkKeyCompromisedRequest.reason': bounded(500),
  'MarkKeyCompromisedRequest.force': {},
  'ImportSigningKeyRequest.key': {
    absent: 'INVALID_SIGNING_KEY',
    wrong: {
      'has 50 KB': [text(50_000), 'INVALID_SIGNING_KEY'],
      'is an empty JSON object': ['{}', 'INVALID_SIGNING_KEY'],
    },
  },
  'ImportSigningKeyRequest.alg': {
    wrong: {
      'is in another case': ['eddsa', 'INVALID_ALGORITHM'],
      'is the name of a prototype': ['__proto__', 'INVALID_ALGORITHM'],
    },
  },
  'ImportSigningKeyRequest.reason': bounded(500),
  'ImportSigningKeyRequest.purpose': {
    wrong: {
      'is unknown': ['challenge', 'INVALID_ARGUMENT'],
      'is in another case': ['Introspection', 'INVALID_ARGUMENT'],
      'is the name of a prototype': ['__proto__', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
    fits: {
      'is for introspection': 'introspection',
      'is for grants': 'grant',
      'is for tokens': 'access_token',
      'is empty': '',
    },
  },
  ...oauthFieldRows,
  ...trustFieldRows,
  ...peopleFieldRows,
  ...signalFieldRows,
  ...attestationPolicyFieldRows,
  ...grantFieldRows,
  ...issuerFieldRows,
  ...federationFieldRows,
  ...statusListFieldRows,
  ...agentKeyFieldRows,
  ...agentMoveFieldRows,
  ...attestationFieldRows,
  ...userAccessFieldRows,
}
