import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import type { JsonValue } from '@bufbuild/protobuf'
import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'

/** What is wrong in a field beyond its type: by name, the value and the reason for which it is refused. */
export interface FieldRow {
  /** The reason when the field is absent, null or empty; nothing where it may be. */
  readonly absent?: ReasonCode
  readonly wrong?: Readonly<Record<string, readonly [JsonValue, ReasonCode]>>
  /** Values at a limit that are not refused. */
  readonly fits?: Readonly<Record<string, JsonValue>>
}

const text = (length: number) => 'a'.repeat(length)
const many = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** Names in paths: longer ones would not fit into the assertion, which names the path. */
const named = (reason: ReasonCode): FieldRow => ({ wrong: { 'of 1500 characters': [text(1500), reason] } })
const ownId = named('PERMISSION_DENIED')
const anyOperator = named('OPERATOR_NOT_FOUND')
const ownAgent = named('AGENT_NOT_FOUND')

const bounded = (max: number): FieldRow => ({
  wrong: {
    'a character too long': [text(max + 1), 'INVALID_ARGUMENT'],
    'a character too long, of two units each': ['😀'.repeat(max + 1), 'INVALID_ARGUMENT'],
    'with a control character': ['a\u0007b', 'INVALID_ARGUMENT'],
    'with a C1 control character': ['a\u0085b', 'INVALID_ARGUMENT'],
  },
  fits: { 'of the longest text': text(max), 'of the longest text, of two units each': '😀'.repeat(max) },
})

const pageSize: FieldRow = {
  wrong: {
    negative: ['-1', 'INVALID_ARGUMENT'],
    'one too many': ['201', 'INVALID_ARGUMENT'],
    'the largest': ['2147483647', 'INVALID_ARGUMENT'],
    'the smallest': ['-2147483648', 'INVALID_ARGUMENT'],
  },
  fits: { 'the most': '200', none: '0' },
}
const pageToken = named('INVALID_PAGE_TOKEN')
const time: FieldRow = {
  fits: { first: '0001-01-01T00:00:00Z', last: '9999-12-31T23:59:59Z' },
}

const scope: FieldRow = {
  wrong: {
    'of a token that is too long': [text(129), 'INVALID_SCOPE'],
    'of too many tokens': [many(65, 's').join(' '), 'INVALID_SCOPE'],
    'of a wildcard': ['*', 'INVALID_SCOPE'],
    'of 50 KB': [text(50_000), 'INVALID_SCOPE'],
  },
}
const audience: FieldRow = {
  wrong: {
    'too many': [many(9, 'a').map((label) => `${label}.com`), 'INVALID_AUDIENCE'],
    'too long': [[`https://a.com/${text(242)}`], 'INVALID_AUDIENCE'],
    'with an empty entry': [[''], 'INVALID_AUDIENCE'],
  },
}
const ttl: FieldRow = {
  wrong: {
    'of 65 characters': [`${'0'.repeat(63)}1m`, 'INVALID_TTL'],
    'of 5000 digits': ['9'.repeat(5000), 'INVALID_TTL'],
    negative: ['-60', 'INVALID_TTL'],
  },
}
const did: FieldRow = { absent: 'INVALID_DID', wrong: { 'of 5000 characters': [text(5000), 'INVALID_DID'] } }
const key: FieldRow = {
  absent: 'INVALID_PUBLIC_KEY',
  wrong: {
    'of 31 bytes': [encodeBase64(new Uint8Array(31)), 'INVALID_PUBLIC_KEY'],
    'of 33 bytes': [encodeBase64(new Uint8Array(33)), 'INVALID_PUBLIC_KEY'],
    'of 30000 bytes': [encodeBase64(new Uint8Array(30_000)), 'INVALID_PUBLIC_KEY'],
    'in hex': [text(64), 'INVALID_PUBLIC_KEY'],
  },
}

/** One row for every field that a request can carry, by `Message.field`, fields of fields after it. */
export const fieldRows: Readonly<Record<string, FieldRow>> = {
  'RegisterOperatorRequest.domain': {
    absent: 'INVALID_DOMAIN',
    wrong: { 'of 5000 characters': [`${text(5000)}.com`, 'INVALID_DOMAIN'] },
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
    wrong: { 'of 256 characters': [`https://acme-operator.com/${text(230)}`, 'INVALID_AUDIENCE'] },
  },
  'SetOperatorPolicyRequest.policy.audiences.callers': {
    wrong: {
      'too many': [many(65, 'c').map((label) => `${label}.com`), 'INVALID_DOMAIN'],
      'with an empty entry': [[''], 'INVALID_DOMAIN'],
    },
  },
  'SetOperatorPolicyRequest.policy.audiences.token_signing_alg': {
    wrong: {
      'that there is not': ['HS256', 'INVALID_ALGORITHM'],
      'in another case': ['es256', 'INVALID_ALGORITHM'],
      'with a blank': ['ES256 ', 'INVALID_ALGORITHM'],
      'of a prototype': ['constructor', 'INVALID_ALGORITHM'],
      'of 50 KB': [text(50_000), 'INVALID_ALGORITHM'],
    },
    fits: { none: '', 'of the default': 'EdDSA', 'of RFC 9864': 'Ed25519', 'of a curve': 'ES256', 'of RSA': 'RS256' },
  },
  'SetOperatorPolicyRequest.policy.require_bound_challenges': {},
  'EndAllTokensRequest.id': ownId,
  'EndAllTokensRequest.reason': bounded(500),
  'SuspendOperatorRequest.id': anyOperator,
  'SuspendOperatorRequest.reason': bounded(500),
  'ReinstateOperatorRequest.id': anyOperator,
  'ListAuditRecordsRequest.id': ownId,
  'ListAuditRecordsRequest.page_size': pageSize,
  'ListAuditRecordsRequest.page_token': pageToken,
  'ListAuditRecordsRequest.action': bounded(64),
  'ListAuditRecordsRequest.subject': bounded(512),
  'ListAuditRecordsRequest.outcome': {
    wrong: { 'that there is not': ['DONE', 'INVALID_ARGUMENT'], 'of a prototype': ['constructor', 'INVALID_ARGUMENT'] },
  },
  'ListAuditRecordsRequest.since': time,
  'ListAuditRecordsRequest.until': time,
  'RegisterAgentRequest.operator_id': ownId,
  'RegisterAgentRequest.did': { wrong: { 'of 5000 characters': [text(5000), 'INVALID_DID'] } },
  'RegisterAgentRequest.did_document': { wrong: { 'of another DID': [{ id: 'did:key:z' }, 'INVALID_ARGUMENT'] } },
  'RegisterAgentRequest.agent_public_key': key,
  'RegisterAgentRequest.label': bounded(100),
  'ListAgentsRequest.operator_id': ownId,
  'ListAgentsRequest.page_size': pageSize,
  'ListAgentsRequest.page_token': pageToken,
  'ListAgentsRequest.status': {
    wrong: { 'that there is not': ['ACTIVE', 'INVALID_ARGUMENT'], 'of a prototype': ['__proto__', 'INVALID_ARGUMENT'] },
  },
  'GetAgentRequest.did': named('INVALID_DID'),
  'ApproveAgentRequest.operator_id': ownId,
  'ApproveAgentRequest.agent': ownAgent,
  'SetAgentScopesRequest.operator_id': ownId,
  'SetAgentScopesRequest.did': { absent: 'AGENT_NOT_FOUND', ...ownAgent },
  'SetAgentScopesRequest.allowed_scopes': {
    wrong: {
      'too many': [many(65, 's'), 'INVALID_SCOPE'],
      'too long': [[text(129)], 'INVALID_SCOPE'],
      'with an empty entry': [[''], 'INVALID_SCOPE'],
      'of a wildcard': [['*'], 'INVALID_SCOPE'],
    },
    fits: { 'the most': many(64, 's'), 'the longest': [text(128)], none: [] },
  },
  'UpdateAgentRequest.operator_id': ownId,
  'UpdateAgentRequest.agent': ownAgent,
  'UpdateAgentRequest.label': bounded(100),
  'UpdateAgentRequest.require_bound_challenges': {},
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
      'of 63 bytes': [encodeBase64(new Uint8Array(63)), 'INVALID_SIGNATURE'],
      'of 65 bytes': [encodeBase64(new Uint8Array(65)), 'INVALID_SIGNATURE'],
      'of 30000 bytes': [encodeBase64(new Uint8Array(30_000)), 'INVALID_SIGNATURE'],
    },
  },
  'IssueTokenRequest.scope': scope,
  'IssueTokenRequest.audience': audience,
  'IssueTokenRequest.ttl': ttl,
  'VerifyTokenRequest.token': { fits: { 'of 50 KB': text(50_000) } },
  'VerifyTokenRequest.audience': {
    wrong: {
      'too many': [many(65, 'a'), 'INVALID_ARGUMENT'],
      'with an empty entry': [['a.com', ''], 'INVALID_AUDIENCE'],
    },
    fits: { 'the most': many(64, 'a') },
  },
  'VerifyTokenRequest.scope': scope,
  'VerifyTokenRequest.operators': {
    wrong: {
      'too many': [many(65, 'a'), 'INVALID_ARGUMENT'],
      'with an empty entry': [['a.com', ''], 'INVALID_ARGUMENT'],
    },
    fits: { 'the most': many(64, 'a') },
  },
  'RevokeTokenRequest.token': { wrong: { 'beside a jti': ['a.b.c', 'INVALID_ARGUMENT'] } },
  'RevokeTokenRequest.jti': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'of 65 characters': [text(65), 'INVALID_ARGUMENT'],
      'with a blank': ['a b', 'INVALID_ARGUMENT'],
      'that is no ASCII': ['é', 'INVALID_ARGUMENT'],
    },
    fits: { 'of 64 characters': text(64) },
  },
  'RevokeTokenRequest.reason': bounded(500),
  'WatchRevocationsRequest.after_sequence': {
    wrong: {
      'without its log epoch': ['1', 'INVALID_ARGUMENT'],
      'the largest': ['18446744073709551615', 'INVALID_ARGUMENT'],
    },
  },
  'WatchRevocationsRequest.log_epoch': {
    wrong: { alone: [1, 'INVALID_ARGUMENT'], negative: [-1, 'INVALID_ARGUMENT'] },
  },
  'WatchRevocationsRequest.hash': {
    wrong: {
      alone: [encodeBase64(new Uint8Array(32)), 'INVALID_ARGUMENT'],
      'of 10 KB': [encodeBase64(new Uint8Array(10_000)), 'INVALID_ARGUMENT'],
    },
  },
  'WatchRevocationsRequest.until_head': {},
  'EndAllTokensOfDeploymentRequest.reason': bounded(500),
  'RotateSigningKeysRequest.alg': {
    wrong: { 'in another case': ['eddsa', 'INVALID_ALGORITHM'], 'of a prototype': ['__proto__', 'INVALID_ALGORITHM'] },
  },
  'RotateSigningKeysRequest.kid': named('KEY_NOT_FOUND'),
  'RotateSigningKeysRequest.reason': bounded(500),
  'MarkKeyCompromisedRequest.kid': named('KEY_NOT_FOUND'),
  'MarkKeyCompromisedRequest.reason': bounded(500),
  'MarkKeyCompromisedRequest.force': {},
  'ImportSigningKeyRequest.key': {
    absent: 'INVALID_SIGNING_KEY',
    wrong: { 'of 50 KB': [text(50_000), 'INVALID_SIGNING_KEY'], 'of JSON': ['{}', 'INVALID_SIGNING_KEY'] },
  },
  'ImportSigningKeyRequest.alg': {
    wrong: { 'in another case': ['eddsa', 'INVALID_ALGORITHM'], 'of a prototype': ['__proto__', 'INVALID_ALGORITHM'] },
  },
  'ImportSigningKeyRequest.reason': bounded(500),
}
