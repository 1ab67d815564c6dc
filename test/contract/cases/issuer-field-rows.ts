import { bounded, type FieldRow, many, named, pageSize, pageToken, text } from './field-row.ts'
import { NOBODY } from './valid-requests.ts'

const url = (host: string, length: number) => `https://${host}/${text(length - `https://${host}/`.length)}`
const unknownId = named('ISSUER_NOT_FOUND')
const huge: FieldRow['wrong'] = { 'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'] }

/** One row for every field of the requests of IssuerService. */
export const issuerFieldRows: Readonly<Record<string, FieldRow>> = {
  'AddIssuerRequest.issuer': {
    absent: 'INVALID_ISSUER',
    wrong: { 'has 256 characters': [url('idp.bravo-operator.com', 256), 'INVALID_ISSUER'] },
    fits: { 'has 255 characters': url('idp.bravo-operator.com', 255), 'ends with a slash': 'https://idp.com/' },
  },
  'AddIssuerRequest.kind': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is unknown': ['saml', 'INVALID_ARGUMENT'],
      'is in another case': ['OAuth', 'INVALID_ARGUMENT'],
      'is the name of a prototype': ['__proto__', 'INVALID_ARGUMENT'],
    },
  },
  'AddIssuerRequest.algorithms': {
    absent: 'INVALID_ALGORITHM',
    wrong: {
      'has an unknown one': [['HS256'], 'INVALID_ALGORITHM'],
      'has one in another case': [['es256'], 'INVALID_ALGORITHM'],
      'has 1000 entries': [many(1000, 'ES'), 'INVALID_ALGORITHM'],
      'has the name of a prototype': [['constructor'], 'INVALID_ALGORITHM'],
    },
    fits: { 'has all of them': ['EdDSA', 'Ed25519', 'ES256', 'RS256'] },
  },
  'AddIssuerRequest.token_type': {
    wrong: {
      'has 65 characters': [text(65), 'INVALID_ARGUMENT'],
      'has a blank': ['at jwt', 'INVALID_ARGUMENT'],
      'names its registry': ['application/at+jwt', 'INVALID_ARGUMENT'],
    },
    fits: { 'has 64 characters': text(64), 'is JWT': 'JWT' },
  },
  'AddIssuerRequest.jwks_uri': {
    wrong: {
      'is relative': ['/jwks', 'INVALID_ARGUMENT'],
      'is http': ['http://idp.bravo-operator.com/jwks', 'INVALID_ARGUMENT'],
      'has an address': ['https://169.254.169.254/jwks', 'INVALID_ARGUMENT'],
      'has an address in hex': ['https://0x7f000001/jwks', 'INVALID_ARGUMENT'],
      'has a user': ['https://a:b@idp.bravo-operator.com/jwks', 'INVALID_ARGUMENT'],
      'has a fragment': ['https://idp.bravo-operator.com/jwks#x', 'INVALID_ARGUMENT'],
      'is not in its normal form': ['https://idp.bravo-operator.com/a/../jwks', 'INVALID_ARGUMENT'],
      'has 2049 characters': [url('idp.bravo-operator.com', 2049), 'INVALID_ARGUMENT'],
    },
    fits: { 'is on another origin': 'https://keys.bravo-operator.com/jwks?tenant=1' },
  },
  'AddIssuerRequest.revocation_mode': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is unknown': ['ssf', 'INVALID_ARGUMENT'],
      'is the name of a prototype': ['toString', 'INVALID_ARGUMENT'],
    },
  },
  'AddIssuerRequest.acts_as': { wrong: huge },
  'AddIssuerRequest.secret': { wrong: huge },
  'AddIssuerRequest.introspection_uri': { wrong: huge },
  'AddIssuerRequest.status_list_uri': { wrong: huge },
  'AddIssuerRequest.max_token_ttl': {
    wrong: {
      'is negative': [-1, 'INVALID_ARGUMENT'],
      'is above the limit of the mode none': [301, 'INVALID_ARGUMENT'],
      'is the largest integer': [2_147_483_647, 'INVALID_ARGUMENT'],
    },
    fits: { 'is the limit of the mode none': 300, 'is one': 1, 'is zero': 0 },
  },
  'AddIssuerRequest.max_staleness_ms': {
    wrong: {
      'is negative': [-1, 'INVALID_ARGUMENT'],
      'is below the least value': [1999, 'INVALID_ARGUMENT'],
      'is above the largest value': [60_001, 'INVALID_ARGUMENT'],
    },
    fits: { 'is the least value': 2000, 'is the largest value': 60_000, 'is zero': 0 },
  },
  'AddIssuerRequest.domain': {
    absent: 'INVALID_DOMAIN',
    wrong: { 'has 5000 characters': [`${text(5000)}.com`, 'INVALID_DOMAIN'] },
  },
  'AddIssuerRequest.anchor': {
    wrong: {
      'is no URL': ['idp.bravo-operator.com', 'INVALID_ARGUMENT'],
      'is an anchor that is not pinned': ['https://federation.other.com', 'TRUST_CHAIN_NOT_FOUND'],
    },
  },
  'DisableIssuerRequest.id': unknownId,
  'DisableIssuerRequest.reason': bounded(500),
  'EnableIssuerRequest.id': unknownId,
  'EnableIssuerRequest.reason': bounded(500),
  'ReadmitIssuerKeyRequest.id': unknownId,
  'ReadmitIssuerKeyRequest.kid': named('KEY_NOT_FOUND'),
  'ReadmitIssuerKeyRequest.reason': bounded(500),
  'PutIssuerSubjectRequest.id': unknownId,
  'PutIssuerSubjectRequest.tenant': bounded(255),
  'PutIssuerSubjectRequest.sub': { absent: 'INVALID_ARGUMENT', ...bounded(255) },
  'PutIssuerSubjectRequest.user': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is a DID': ['did:agent:acme-operator.com:1', 'INVALID_ARGUMENT'],
      'has no kind': ['alice', 'INVALID_ARGUMENT'],
      'has a blank': ['user:alice smith', 'INVALID_ARGUMENT'],
      'has a name of 201 characters': [`user:${text(201)}`, 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
    fits: { 'has a name of 200 characters': `user:${text(200)}` },
  },
  'PutIssuerSubjectRequest.operator_id': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is a domain': ['acme-operator.com', 'INVALID_ARGUMENT'],
      'is of nobody': [NOBODY, 'OPERATOR_NOT_FOUND'],
    },
  },
  'PutIssuerSubjectRequest.audience': {
    absent: 'INVALID_AUDIENCE',
    wrong: {
      'has 9 entries': [many(9, 'https://a.example/'), 'INVALID_AUDIENCE'],
      'has a relative URL': [['/v1'], 'INVALID_AUDIENCE'],
      'has a fragment': [['https://a.example/#x'], 'INVALID_AUDIENCE'],
    },
    fits: { 'has 8 entries': many(8, 'https://a.example/') },
  },
  'PutIssuerSubjectRequest.scope': {
    absent: 'INVALID_SCOPE',
    wrong: {
      'has 65 entries': [many(65, 's'), 'INVALID_SCOPE'],
      'has a wildcard': [['*'], 'INVALID_SCOPE'],
      'has two scopes in one text': [['read write'], 'INVALID_SCOPE'],
    },
    fits: { 'has 64 entries': many(64, 's') },
  },
  'ListIssuerSubjectsRequest.id': unknownId,
  'ListIssuerSubjectsRequest.page_size': pageSize,
  'ListIssuerSubjectsRequest.page_token': pageToken,
  'RemoveIssuerSubjectRequest.id': unknownId,
  'RemoveIssuerSubjectRequest.rule': named('SUBJECT_NOT_FOUND'),
  'RemoveIssuerSubjectRequest.reason': bounded(500),
}
