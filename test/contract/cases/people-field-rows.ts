import { bounded, type FieldRow, many, named, ownId, pageSize, pageToken, text } from './field-row.ts'

const argument = (wrong: Readonly<Record<string, string | string[] | boolean>>): NonNullable<FieldRow['wrong']> =>
  Object.fromEntries(Object.entries(wrong).map(([name, value]) => [name, [value, 'INVALID_ARGUMENT']]))

const clientId = {
  absent: 'INVALID_ARGUMENT',
  wrong: argument({
    'is http': 'http://client.example/client.json',
    'has no path': 'https://client.example/',
    'has a fragment': 'https://client.example/client.json#a',
    'has a user': 'https://user@client.example/client.json',
    'has dot segments': 'https://client.example/a/../client.json',
    'is in upper case': 'https://Client.example/client.json',
    'has the default port': 'https://client.example:443/client.json',
    'has 513 characters': `https://client.example/${text(490)}`,
    'is a DID of another method': 'did:web:client.example',
    'is a DID with upper case': 'did:agent:Client.example:0123456789abcdef0123456789abcdef',
    'is a domain': 'client.example',
    'has a line end': 'https://client.example/client.json\n',
  }),
} as const satisfies FieldRow

/** One row for every field of the requests of PeopleService. */
export const peopleFieldRows: Readonly<Record<string, FieldRow>> = {
  'PutIdentityProviderRequest.id': ownId,
  'PutIdentityProviderRequest.name': named('INVALID_ARGUMENT'),
  'PutIdentityProviderRequest.issuer': {
    absent: 'INVALID_ISSUER',
    wrong: {
      'is http': ['http://login.acme-operator.com', 'INVALID_ISSUER'],
      'has a query': ['https://login.acme-operator.com?a=b', 'INVALID_ISSUER'],
      'has an address': ['https://10.0.0.1', 'INVALID_ISSUER'],
      'is this deployment': ['http://localhost:8080', 'INVALID_ISSUER'],
      'has 50 KB': [`https://${text(50_000)}.com`, 'INVALID_ISSUER'],
    },
  },
  'PutIdentityProviderRequest.client_id': {
    absent: 'INVALID_ARGUMENT',
    wrong: argument({ 'has 1025 characters': text(1025), 'has a line end': 'a\nb', 'is no ASCII': 'ä' }),
  },
  'PutIdentityProviderRequest.client_secret': {
    wrong: argument({ 'has 1025 characters': text(1025), 'has a line end': 'a\nb', 'is no ASCII': 'ä' }),
  },
  'PutIdentityProviderRequest.token_endpoint_auth_method': {
    wrong: argument({ 'is not built': 'private_key_jwt', 'is none': 'none', 'has 50 KB': text(50_000) }),
  },
  'PutIdentityProviderRequest.scopes': {
    wrong: argument({
      'lacks openid': ['profile'],
      'has 17 entries': ['openid', ...many(16, 's')],
      'has an entry twice': ['openid', 'openid'],
      'has an empty entry': ['openid', ''],
      'has two scopes in one text': ['openid email'],
      'has an entry of 129 characters': ['openid', text(129)],
    }),
  },
  'PutIdentityProviderRequest.subject_claim': {
    wrong: argument({ 'is another claim': 'email', 'is in another case': 'Sub' }),
  },
  'PutIdentityProviderRequest.required_claims': { absent: 'INVALID_ARGUMENT' },
  'PutIdentityProviderRequest.required_claims.name': {
    absent: 'INVALID_ARGUMENT',
    wrong: argument({ 'has 65 characters': text(65), 'has a blank': 'a b' }),
  },
  'PutIdentityProviderRequest.required_claims.value': {
    absent: 'INVALID_ARGUMENT',
    wrong: argument({ 'has 256 characters': text(256), 'has a control character': 'a\u0007b' }),
  },
  'PutIdentityProviderRequest.all_users': { wrong: argument({ 'is true beside required claims': true }) },
  'PutIdentityProviderRequest.groups_claim': {
    wrong: argument({ 'has 65 characters': text(65), 'has a blank': 'a b' }),
  },
  'PutIdentityProviderRequest.signals': {
    wrong: argument({ 'is not built': 'scim', 'is in another case': 'None' }),
  },
  'PutIdentityProviderRequest.on_logout': {
    wrong: argument({ 'is for signals that are no logouts': 'tokens', 'is another word': 'users' }),
  },
  'ListIdentityProvidersRequest.id': ownId,
  'RemoveIdentityProviderRequest.id': ownId,
  'RemoveIdentityProviderRequest.name': named('PROVIDER_NOT_FOUND'),
  'ListUsersRequest.id': ownId,
  'ListUsersRequest.page_size': pageSize,
  'ListUsersRequest.page_token': pageToken,
  'ListUsersRequest.status': {
    wrong: argument({ 'is removed': 'removed', 'is in another case': 'Active', 'has 1500 characters': text(1500) }),
  },
  'DisableUserRequest.id': ownId,
  'DisableUserRequest.subject': named('USER_NOT_FOUND'),
  'DisableUserRequest.reason': bounded(500),
  'EnableUserRequest.id': ownId,
  'EnableUserRequest.subject': named('USER_NOT_FOUND'),
  'EnableUserRequest.reason': bounded(500),
  'RemoveUserRequest.id': ownId,
  'RemoveUserRequest.subject': named('USER_NOT_FOUND'),
  'ListClientsRequest.id': ownId,
  'ListClientsRequest.page_size': pageSize,
  'ListClientsRequest.page_token': pageToken,
  'PutClientRequest.id': ownId,
  'PutClientRequest.client_id': {
    ...clientId,
    wrong: {
      ...clientId.wrong,
      'is of a client that nobody has registered': [`reg_${text(20)}`, 'CLIENT_NOT_ACCEPTED'],
    },
  },
  'BlockClientRequest.id': ownId,
  'BlockClientRequest.client_id': clientId,
  'ListConsentsRequest.id': ownId,
  'ListConsentsRequest.subject': {},
  'ListConsentsRequest.client_id': {},
  'ListConsentsRequest.audience': {},
  'ListConsentsRequest.page_size': pageSize,
  'ListConsentsRequest.page_token': pageToken,
  'WithdrawConsentRequest.id': ownId,
  'WithdrawConsentRequest.consent_id': named('CONSENT_NOT_FOUND'),
  'EndConnectionRequest.id': ownId,
  'EndConnectionRequest.connection_id': named('CONNECTION_NOT_FOUND'),
}
