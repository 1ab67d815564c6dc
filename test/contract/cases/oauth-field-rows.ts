import { type FieldRow, many, mayAct, scope, text } from './field-row.ts'

/** The fields by which an agent authenticates. */
const clientId: FieldRow = {
  wrong: {
    'is another client': ['did:agent:bravo-operator.com:00000000000000000000000000000000', 'INVALID_ASSERTION'],
    'is the name of a prototype': ['__proto__', 'INVALID_ASSERTION'],
    'has 50 KB': [text(50_000), 'INVALID_ASSERTION'],
  },
}
const clientAssertionType: FieldRow = {
  absent: 'UNSUPPORTED_CLIENT_AUTHENTICATION',
  wrong: {
    'is another type': [
      'urn:ietf:params:oauth:client-assertion-type:saml2-bearer',
      'UNSUPPORTED_CLIENT_AUTHENTICATION',
    ],
    'is in upper case': ['URN:IETF:PARAMS:OAUTH:CLIENT-ASSERTION-TYPE:JWT-BEARER', 'UNSUPPORTED_CLIENT_AUTHENTICATION'],
    'has a blank': ['urn:ietf:params:oauth:client-assertion-type:jwt-bearer ', 'UNSUPPORTED_CLIENT_AUTHENTICATION'],
    'has 50 KB': [text(50_000), 'UNSUPPORTED_CLIENT_AUTHENTICATION'],
  },
}
const clientAssertion: FieldRow = {
  absent: 'UNAUTHENTICATED',
  wrong: { 'is no JWT': ['assertion', 'INVALID_ASSERTION'], 'has 50 KB': [text(50_000), 'INVALID_ASSERTION'] },
}
const token: FieldRow = { absent: 'INVALID_ARGUMENT' }

/** One row for every field of the OAuth requests. */
export const oauthFieldRows: Readonly<Record<string, FieldRow>> = {
  'TokenRequest.grant_type': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is unknown': ['x', 'UNSUPPORTED_GRANT_TYPE'],
      'is for a code without a redirect URI': ['authorization_code', 'INVALID_ARGUMENT'],
      'is for refreshing without a client_id': ['refresh_token', 'INVALID_ARGUMENT'],
      'is for a password': ['password', 'UNSUPPORTED_GRANT_TYPE'],
      'is for an assertion of SAML': ['urn:ietf:params:oauth:grant-type:saml2-bearer', 'UNSUPPORTED_GRANT_TYPE'],
      'is for an exchange without a subject': ['urn:ietf:params:oauth:grant-type:token-exchange', 'INVALID_ARGUMENT'],
      'is in another case': ['Client_Credentials', 'UNSUPPORTED_GRANT_TYPE'],
      'has a blank': ['client_credentials ', 'UNSUPPORTED_GRANT_TYPE'],
      'has 50 KB': [text(50_000), 'UNSUPPORTED_GRANT_TYPE'],
    },
  },
  'TokenRequest.client_id': clientId,
  'TokenRequest.client_assertion_type': clientAssertionType,
  'TokenRequest.client_assertion': clientAssertion,
  'TokenRequest.scope': scope,
  'TokenRequest.resource': {
    wrong: {
      'has too many entries': [many(9, 'https://a.com/'), 'INVALID_AUDIENCE'],
      'has an entry that is too long': [[`https://a.com/${text(242)}`], 'INVALID_AUDIENCE'],
      'has 50 KB': [[`https://a.com/${text(50_000)}`], 'INVALID_AUDIENCE'],
    },
  },
  'TokenRequest.authorization_details': {
    wrong: {
      'is an empty list': ['[]', 'UNSUPPORTED_AUTHORIZATION_DETAILS'],
      'has a type': ['[{"type":"orders"}]', 'UNSUPPORTED_AUTHORIZATION_DETAILS'],
      'is no JSON': ['x', 'UNSUPPORTED_AUTHORIZATION_DETAILS'],
      'has 50 KB': [text(50_000), 'UNSUPPORTED_AUTHORIZATION_DETAILS'],
    },
  },
  // Without the grant type of an exchange, these are parameters that the request does not use.
  'TokenRequest.subject_token': {},
  'TokenRequest.subject_token_type': {},
  'TokenRequest.actor_token': {},
  'TokenRequest.actor_token_type': {},
  'TokenRequest.requested_token_type': {},
  'TokenRequest.audience': {},
  'TokenRequest.assertion': {},
  'TokenRequest.code': {},
  'TokenRequest.redirect_uri': {},
  'TokenRequest.code_verifier': {},
  'TokenRequest.refresh_token': {},
  'TokenRequest.device_code': {},
  'AuthorizeDeviceRequest.client_id': {},
  'AuthorizeDeviceRequest.client_assertion_type': {},
  'AuthorizeDeviceRequest.client_assertion': {},
  'AuthorizeDeviceRequest.scope': {},
  'AuthorizeDeviceRequest.resource': {},
  'TokenRequest.may_act': mayAct,
  'TokenRequest.req_cnf': { wrong: { 'comes without authorization_details': ['{}', 'INVALID_ARGUMENT'] } },
  'IntrospectRequest.token': token,
  'IntrospectRequest.token_type_hint': {},
  'IntrospectRequest.client_id': clientId,
  'IntrospectRequest.client_assertion_type': clientAssertionType,
  'IntrospectRequest.client_assertion': clientAssertion,
  'IntrospectRequest.signed': {},
  'RevokeRequest.token': token,
  'RevokeRequest.token_type_hint': {},
  'RevokeRequest.client_id': clientId,
  'RevokeRequest.client_assertion_type': clientAssertionType,
  'RevokeRequest.client_assertion': clientAssertion,
}
