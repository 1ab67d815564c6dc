import type { ReasonCode } from '../../../services/platform/errors/reasons.ts'
import { ISSUER } from '../../support/deployment.ts'
import { createKey } from '../../support/federation/entities.ts'
import { bounded, type FieldRow, many, text } from './field-row.ts'

const entityId: FieldRow = {
  absent: 'INVALID_ARGUMENT',
  wrong: {
    'is no URL': ['idp.bravo-operator.com', 'INVALID_ARGUMENT'],
    'is http': ['http://idp.bravo-operator.com', 'INVALID_ARGUMENT'],
    'has a query': ['https://idp.bravo-operator.com/?a=b', 'INVALID_ARGUMENT'],
    'has a user': ['https://a:b@idp.bravo-operator.com', 'INVALID_ARGUMENT'],
    'is in capital letters': ['https://IDP.bravo-operator.com', 'INVALID_ARGUMENT'],
    'has 1025 characters': [`https://idp.com/${text(1_009)}`, 'INVALID_ARGUMENT'],
  },
}
const entityTypes: FieldRow = {
  wrong: { 'has 17 entries': [many(17, 'type'), 'INVALID_ARGUMENT'] },
  fits: { 'has 16 entries': many(16, 'type'), 'has an empty entry': [''] },
}

const notAnObject = {
  'is no JSON': ['{', 'INVALID_ARGUMENT'],
  'is a list': ['[]', 'INVALID_ARGUMENT'],
  'has a member twice': ['{"a":{},"a":{}}', 'INVALID_ARGUMENT'],
  'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
} as const
const KEY = createKey('ES256').jwk
const statementKeys: FieldRow = {
  absent: 'INVALID_ARGUMENT',
  wrong: {
    ...notAnObject,
    'has no key': ['{"keys":[]}', 'INVALID_ARGUMENT'],
    'has a key without kid': [JSON.stringify({ keys: [{ ...KEY, kid: undefined }] }), 'INVALID_ARGUMENT'],
    'has a point off the curve': [JSON.stringify({ keys: [{ ...KEY, x: KEY['y'], y: KEY['x'] }] }), 'INVALID_ARGUMENT'],
    'has a point of small order': [
      JSON.stringify({ keys: [{ ...createKey('EdDSA').jwk, x: 'A'.repeat(43) }] }),
      'INVALID_ARGUMENT',
    ],
    'has a private key': [JSON.stringify({ keys: [{ ...KEY, d: 'AA' }] }), 'INVALID_ARGUMENT'],
    'has one kid twice': [JSON.stringify({ keys: [KEY, KEY] }), 'INVALID_ARGUMENT'],
  },
}
const byName = (reason: ReasonCode): FieldRow => ({
  absent: reason,
  wrong: { 'is unknown': ['https://a.com', reason] },
})

/** One row for every field of the requests of FederationService and FederationAdminService. */
export const federationFieldRows: Readonly<Record<string, FieldRow>> = {
  'FetchSubordinateStatementRequest.sub': entityId,
  'ListSubordinatesRequest.entity_type': entityTypes,
  'ResolveEntityRequest.sub': entityId,
  'ResolveEntityRequest.trust_anchor': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'has an entry that is no URL': [['idp.com'], 'INVALID_ARGUMENT'],
      'has 17 entries': [many(17, 'https://idp.com/'), 'INVALID_ARGUMENT'],
    },
    fits: { 'has an anchor that is unknown here': [`${ISSUER}/federation`, 'https://idp.com'] },
  },
  'ResolveEntityRequest.entity_type': entityTypes,
  'PutTrustAnchorRequest.entity_id': entityId,
  'PutTrustAnchorRequest.jwks': statementKeys,
  'PutTrustAnchorRequest.position': {
    wrong: {
      'is negative': [-1, 'INVALID_ARGUMENT'],
      'is above the largest value': [1_001, 'INVALID_ARGUMENT'],
      'is the largest integer': [2_147_483_647, 'INVALID_ARGUMENT'],
    },
    fits: { 'is the largest value': 1_000, 'is zero': 0 },
  },
  'PutTrustAnchorRequest.permitted_names': {
    wrong: {
      'has 65 entries': [many(65, 'host'), 'INVALID_ARGUMENT'],
      'has an empty entry': [[''], 'INVALID_ARGUMENT'],
      'has a URL': [['https://bravo-operator.com'], 'INVALID_ARGUMENT'],
      'has a star': [['*.bravo-operator.com'], 'INVALID_ARGUMENT'],
    },
    fits: { 'has 64 entries': many(64, 'host'), 'has a domain': ['.bravo-operator.com'] },
  },
  'PutTrustAnchorRequest.auto_admit': { fits: { 'is true': true } },
  'RemoveTrustAnchorRequest.entity_id': byName('TRUST_ANCHOR_NOT_FOUND'),
  'RemoveTrustAnchorRequest.reason': bounded(500),
  'DiscoverIssuerRequest.issuer': {
    absent: 'INVALID_ISSUER',
    wrong: { 'has 5000 characters': [`https://idp.com/${text(5_000)}`, 'INVALID_ISSUER'] },
  },
  'PutSubordinateRequest.entity_id': {
    ...entityId,
    wrong: { ...entityId.wrong, 'is our issuer': [ISSUER, 'INVALID_ARGUMENT'] },
  },
  'PutSubordinateRequest.jwks': statementKeys,
  'PutSubordinateRequest.entity_types': {
    wrong: {
      'has 9 entries': [many(9, 'type'), 'INVALID_ARGUMENT'],
      'has a blank': [['a b'], 'INVALID_ARGUMENT'],
      'has an entry with 65 characters': [[text(65)], 'INVALID_ARGUMENT'],
    },
    fits: { 'has 8 entries': many(8, 'type'), 'has an entry with 64 characters': [text(64)] },
  },
  'PutSubordinateRequest.metadata_policy': {
    wrong: {
      ...notAnObject,
      'has an unknown operator': ['{"oauth_authorization_server":{"issuer":{"one_off":["a"]}}}', 'INVALID_ARGUMENT'],
    },
    fits: { 'allows one issuer': '{"oauth_authorization_server":{"issuer":{"value":"https://a.example"}}}' },
  },
  'PutSubordinateRequest.constraints': {
    wrong: { ...notAnObject, 'has a negative length': ['{"max_path_length":-1}', 'INVALID_ARGUMENT'] },
  },
  'RemoveSubordinateRequest.entity_id': byName('ENTITY_NOT_FOUND'),
  'RemoveSubordinateRequest.reason': bounded(500),
}
