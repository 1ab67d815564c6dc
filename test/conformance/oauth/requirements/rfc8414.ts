import type { Requirement } from '../support/requirement.ts'
import { accessToken, discovery, ISSUER_FORM, metadata, oauth4webapi, TLS } from '../support/tests-of.ts'

/** RFC 8414: metadata of the authorization server. */
export const rfc8414: readonly Requirement[] = [
  {
    section: '2',
    requirement: 'The issuer is required, and is an https URL without query and fragment',
    tests: [...metadata('names only what the server has'), ...ISSUER_FORM, ...TLS],
  },
  {
    section: '2',
    requirement: 'The authorization_endpoint is required for grant types that use it',
    tests: metadata('names only what the server has'),
  },
  {
    section: '2',
    requirement: 'The token_endpoint is required',
    tests: metadata('names only what the server has', 'names no endpoint that answers 404'),
  },
  {
    section: '2',
    requirement: 'The jwks_uri must lead to the keys that sign, and each key must have use if there are other keys',
    tests: accessToken(
      'is accepted by another library with the keys and the issuer of the metadata',
      'has the typ at+jwt, and the alg and the kid of a published key',
    ),
  },
  {
    section: '2',
    requirement: 'The list response_types_supported is required',
    tests: metadata('names only what the server has'),
  },
  {
    section: '2',
    requirement: 'Without grant_types_supported, clients assume authorization_code and implicit',
    tests: metadata('names only what the server has'),
  },
  {
    section: '2',
    requirement: 'The algorithms of client assertions are required with private_key_jwt, and must not contain none',
    tests: metadata('names the algorithms of assertions at the %s endpoint'),
  },
  {
    section: '2',
    requirement: 'The algorithms of client assertions should contain RS256',
    tests: metadata('names the algorithms of assertions at the %s endpoint'),
    differs: 'The key of an agent is always an Ed25519 key',
  },
  {
    section: '2.1',
    requirement: 'Signed metadata must have a signature and an iss',
    notOurs: 'The server does not sign its metadata',
  },
  {
    section: '3',
    requirement: 'The metadata must be at the well-known path that is inserted before the path of the issuer',
    tests: metadata(
      'is a JSON object with status 200',
      'is served with the path of the issuer inserted, and as the same text at /.well-known/oauth-authorization-server',
    ),
  },
  {
    section: '3.1',
    requirement: 'The metadata must be read with GET',
    tests: metadata('is a JSON object with status 200', 'is not served for the method %s'),
  },
  {
    section: '3.2',
    requirement: 'The answer must be a JSON object with status 200 and the type application/json',
    tests: metadata('is a JSON object with status 200'),
  },
  {
    section: '3.2',
    requirement: 'A member without a value must be left out',
    tests: metadata('has no empty list and no empty value'),
  },
  {
    section: '3.3',
    requirement: 'The issuer in the metadata must be identical to the issuer that the client has used',
    tests: [
      ...metadata('names only what the server has', 'does not take the issuer from the header %s'),
      ...oauth4webapi('1. it finds the server by its metadata'),
      ...accessToken('is accepted by another library with the keys and the issuer of the metadata'),
    ],
  },
  {
    section: '3.3',
    requirement: 'A client must not use metadata with another issuer',
    tests: discovery('rejects a document that names another issuer', 'rejects a document that names no issuer'),
  },
  {
    section: '5',
    requirement: 'Another well-known path may lead to the same metadata for older clients',
    tests: metadata('is served with the path of the issuer inserted, and as the same text at %s'),
  },
  { section: '6.1', requirement: 'Implementations must support TLS', tests: TLS },
]
