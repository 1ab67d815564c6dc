import type { Requirement } from '../support/requirement.ts'
import {
  accessToken,
  badAssertion,
  duplicate,
  grantType,
  introspectionRefusal,
  metadata,
  oauth4webapi,
  otherClient,
  otherForm,
  refreshRefusal,
  requirementsOf,
  revocationRefusal,
  signature,
  TLS,
  times,
  tokenEndpoint,
} from '../support/tests-of.ts'

const NO_PASSWORD = 'No client of this server has a password: every agent has a key'

/** RFC 6749: the token endpoint, client authentication, and the grant type client_credentials. */
export const rfc6749: readonly Requirement[] = [
  {
    section: '2.2',
    requirement: 'The client identifier alone must not authenticate a client',
    tests: otherClient('nothing but its client_id'),
  },
  {
    section: '2.3',
    requirement: 'The server must not use the authentication of a public client to identify the client',
    tests: otherClient('nothing but its client_id'),
  },
  {
    section: '2.3',
    requirement: 'A client must not use more than one authentication method in a request',
    tests: otherClient('an assertion and a client_secret', 'an assertion and HTTP Basic'),
  },
  {
    section: '2.3.1',
    requirement: 'The server must support HTTP Basic for clients that it has issued a password',
    notOurs: NO_PASSWORD,
  },
  {
    section: '2.3.1',
    requirement: 'Credentials must not be in the request URI',
    tests: otherForm('parameters in the query'),
  },
  {
    section: '2.3.1',
    requirement: 'The server must protect endpoints that accept passwords against brute force',
    notOurs: NO_PASSWORD,
  },
  {
    section: '2.3.2',
    requirement: 'The server must define which client identifier belongs to which credential of another method',
    tests: [
      ...badAssertion('iss and sub of another agent', 'a signature of another key'),
      ...tokenEndpoint('accepts the client_id of the client that the assertion authenticates'),
      ...tokenEndpoint('refuses the client_id of another client, without a token'),
    ],
  },
  {
    section: '3.2',
    requirement: 'The URI of the token endpoint must not have a fragment',
    tests: metadata('has URLs that begin with the issuer and have no query and no fragment'),
  },
  { section: '3.2', requirement: 'The server must require TLS for requests to the token endpoint', tests: TLS },
  {
    section: '3.2',
    requirement: 'Clients must use POST for token requests',
    tests: otherForm('method GET', 'method PUT', 'method HEAD'),
  },
  {
    section: '3.2',
    requirement: 'A parameter without a value must be treated as if it were absent',
    tests: tokenEndpoint(
      'treats a parameter without a value as absent: %s',
      'refuses a required parameter without a value like an absent one: %s',
    ),
  },
  {
    section: '3.2',
    requirement: 'The server must ignore parameters that it does not know',
    tests: tokenEndpoint('ignores parameters that it does not know, even if they occur twice'),
  },
  {
    section: '3.2',
    requirement: 'A request must not contain a parameter more than once',
    tests: [
      ...duplicate('%s', 'two assertions'),
      ...introspectionRefusal('two tokens'),
      ...revocationRefusal('two tokens'),
    ],
  },
  {
    section: '3.2.1',
    requirement: 'A client with credentials must authenticate at the token endpoint',
    tests: otherClient('nothing but its client_id'),
  },
  {
    section: '3.3',
    requirement: 'A scope is a list of case-sensitive texts of certain ASCII characters, with single blanks between',
    tests: tokenEndpoint('refuses a scope %s', 'grants the scope "%s" as "%s", and says so'),
  },
  {
    section: '3.3',
    requirement: 'The answer must contain the scope if it is not the scope of the request',
    tests: tokenEndpoint('grants the scope "%s" as "%s", and says so'),
  },
  {
    section: '3.3',
    requirement: 'Without a scope in the request, the server must use a default or refuse with invalid_scope',
    tests: tokenEndpoint('issues a token without scopes when neither the parameters nor the assertion name a scope'),
  },
  {
    section: '4.4',
    requirement: 'Only a confidential client may use the grant type client_credentials',
    tests: otherClient('nothing but its client_id'),
  },
  {
    section: '4.4.2',
    requirement: 'The parameter grant_type is required and must be client_credentials',
    tests: [
      ...grantType('Client_Credentials'),
      ...tokenEndpoint('refuses a required parameter without a value like an absent one: grant_type'),
    ],
  },
  {
    section: '4.4.2',
    requirement: 'The parameters are in the body, form-encoded in UTF-8 (appendix B)',
    tests: [
      ...otherForm('a body as JSON', 'multipart', 'no content type', 'another charset'),
      ...otherForm(
        'malformed percent-encoding',
        'bytes that are not UTF-8',
        'percent-encoded bytes that are not UTF-8',
      ),
      ...tokenEndpoint('reads a plus sign as a blank, and percent-encoded UTF-8'),
    ],
  },
  {
    section: '4.4.3',
    requirement: 'The answer should not contain a refresh token',
    tests: tokenEndpoint('answers with a token that no cache may store, without a refresh token'),
  },
  {
    section: '5.1',
    requirement: 'The answer is JSON with status 200 and must contain access_token and token_type',
    tests: [
      ...tokenEndpoint('answers with a token that no cache may store, without a refresh token'),
      ...oauth4webapi('2. it gets a token for a resource'),
    ],
  },
  {
    section: '5.1',
    requirement: 'An answer that contains a token must have Cache-Control: no-store',
    tests: tokenEndpoint('answers with a token that no cache may store, without a refresh token'),
  },
  {
    section: '5.1',
    requirement: 'An answer that contains a token must have Pragma: no-cache',
    tests: tokenEndpoint('answers with Pragma: no-cache when the answer contains a token'),
  },
  {
    section: '5.2',
    requirement: 'An error is a JSON object with status 400, unless the section says otherwise',
    tests: [
      ...tokenEndpoint('issues no token to an agent that is not registered', 'issues no token to the agent: %s'),
      ...grantType('password'),
    ],
  },
  {
    section: '5.2',
    requirement: 'The error invalid_request reports a missing or repeated parameter, or a malformed request',
    tests: [
      ...duplicate('%s'),
      ...otherForm('an empty body', 'a body of 64 KiB'),
      ...tokenEndpoint('refuses a required parameter without a value like an absent one: %s'),
    ],
  },
  {
    section: '5.2',
    requirement: 'The error invalid_request reports more than one mechanism of client authentication',
    tests: otherClient('an assertion and a client_secret'),
  },
  {
    section: '5.2',
    requirement: 'The error invalid_client reports missing, failed or unsupported client authentication',
    tests: [
      ...otherClient('nothing but its client_id', 'a client_secret in the body'),
      ...tokenEndpoint('issues no token to an agent that is not registered'),
    ],
  },
  {
    section: '5.2',
    requirement: 'A refused Authorization header must lead to 401 and WWW-Authenticate with its scheme',
    tests: [
      ...otherClient('the header Authorization: %s, and names this scheme in WWW-Authenticate'),
      ...revocationRefusal('the header Authorization, with status 401'),
    ],
  },
  {
    section: '5.2',
    requirement: 'The error unauthorized_client reports a client that may not use the grant type',
    tests: tokenEndpoint('issues no token to the agent: %s'),
  },
  {
    section: '5.2',
    requirement: 'The error unsupported_grant_type reports a grant type that the server does not support',
    tests: grantType('%s'),
  },
  {
    section: '5.2',
    requirement: 'The error invalid_scope reports a scope that is malformed or outside the grant',
    tests: tokenEndpoint('refuses a scope %s'),
  },
  {
    section: '5.2',
    requirement: 'The texts of error and error_description must have only certain ASCII characters',
    tests: tokenEndpoint('refuses a scope with a quotation mark', 'refuses a scope with a letter outside ASCII'),
  },
  {
    section: '6',
    requirement: 'The server must check who may use a refresh token',
    tests: refreshRefusal('%s: %s'),
  },
  {
    section: '7',
    requirement: 'A resource server must check that the token has not expired and that its scope is enough',
    tests: [
      ...times('checks a token %s'),
      ...requirementsOf('checkRequirements refuses a token if the verifier demands a scope it lacks'),
    ],
  },
  {
    section: '10.3',
    requirement: 'Nobody but the server must be able to make or change an access token',
    tests: [
      ...signature('refuses a signature of another key, over other bytes or by HMAC'),
      ...accessToken('has another jti each time'),
    ],
  },
]
