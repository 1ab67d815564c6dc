import type { Requirement } from '../support/requirement.ts'
import {
  registeredAttack,
  registration,
  registrationMetadata,
  registrationOfMcpClient,
  registrationRoute,
  sealedClientId,
  servedMetadata,
  TLS,
} from '../support/tests-of.ts'

/** RFC 7591: dynamic client registration, open and without a row (appendix A.5.2). */
export const rfc7591: readonly Requirement[] = [
  {
    section: '2',
    requirement: 'A client of a grant that redirects must register its redirect URIs',
    tests: registrationMetadata('refuses no redirect URIs as redirect URIs', 'refuses an empty list as redirect URIs'),
  },
  {
    section: '2',
    requirement: 'Without a method in the metadata, the client authenticates by client_secret_basic',
    differs: 'This server has no client secrets, so such a client is registered for none, and the answer says so',
    tests: registration('tells what is registered, with the redirect URIs as they were sent'),
  },
  {
    section: '2',
    requirement: 'The server must ignore metadata that it does not understand',
    tests: registrationMetadata('accepts members that decide nothing'),
  },
  {
    section: '2',
    requirement: 'The metadata jwks_uri and jwks must not both be present',
    tests: registrationMetadata('refuses keys as metadata', 'refuses a place of keys as metadata'),
    differs: 'Neither may be present, because a registered client does not authenticate',
  },
  {
    section: '2.1',
    requirement: 'Grant types and response types should fit each other, or the server refuses or replaces them',
    tests: registrationMetadata(
      'refuses the implicit grant as metadata',
      'refuses the refresh grant alone as metadata',
      'refuses the response type token as metadata',
      'refuses no response type as metadata',
    ),
  },
  {
    section: '2.2',
    requirement: 'Metadata for people may be in several languages',
    tests: registrationMetadata('accepts members that decide nothing'),
    differs: 'Pages are in English, so only client_name counts, and the names with a language tag are ignored',
  },
  {
    section: '2.3',
    requirement: 'A software statement must be signed, and its values come before those of the request',
    tests: registrationMetadata('refuses a software statement as metadata'),
    differs: 'There is nobody whose statements this server trusts, so it refuses each of them',
  },
  {
    section: '3',
    requirement: 'The endpoint must accept POST with a JSON object of the type application/json',
    tests: registrationRoute(
      'passes the metadata on as sent, and answers 201 with what is registered',
      'refuses %s',
      'is there under the path of the issuer too, and only for POST',
    ),
  },
  {
    section: '3',
    requirement: 'An open endpoint should accept requests without authorization, and may limit their rate',
    tests: registeredAttack('flood: a registration writes no row, and one source can send only so many'),
  },
  { section: '3', requirement: 'The endpoint must be protected by TLS', tests: TLS },
  {
    section: '3.2.1',
    requirement: 'The answer is 201 with JSON, and must not be cached',
    tests: registrationRoute('passes the metadata on as sent, and answers 201 with what is registered'),
  },
  {
    section: '3.2.1',
    requirement: 'The client_id should name no other client, but may be the same for all instances of one client',
    tests: [
      ...sealedClientId('is another one for another %s'),
      ...registeredAttack(
        'the same metadata give the same client at both servers, so who is blocked does not come back by registering',
      ),
    ],
  },
  {
    section: '3.2.1',
    requirement: 'The answer must have all metadata that are registered',
    tests: registration('tells what is registered, with the redirect URIs as they were sent'),
  },
  {
    section: '3.2.2',
    requirement: 'A refused registration is answered by 400 with JSON, an error, and a description in ASCII',
    tests: registrationRoute('writes %s with the status %i and the error %s'),
  },
  {
    section: '3.2.2',
    requirement: 'The error for wrong redirect URIs is invalid_redirect_uri',
    tests: registrationMetadata('refuses %s as redirect URIs'),
  },
  {
    section: '3.2.2',
    requirement: 'The error for other wrong metadata is invalid_client_metadata',
    tests: registrationMetadata('refuses %s as metadata'),
  },
  {
    section: '5',
    requirement: 'A server should let clients redirect only to https, to loopback, or to a private-use scheme',
    tests: registrationMetadata(
      'refuses http of another computer as redirect URIs',
      'refuses javascript as redirect URIs',
      'refuses a private-use scheme as redirect URIs',
    ),
    differs: 'Private-use schemes are refused too, as for every client',
  },
  {
    section: '5',
    requirement: 'A server should warn users that a client has registered itself',
    tests: [
      ...registeredAttack(
        'famous name and text of a client as markup: the page shows where the answer goes, and that nobody verified it',
      ),
      ...registrationOfMcpClient('registers itself, and the page says that nobody has verified it'),
    ],
  },
  {
    section: '5',
    requirement: 'Public clients should register too, and must not get a secret',
    tests: registration('tells what is registered, with the redirect URIs as they were sent'),
  },
  {
    section: 'RFC 8414 section 2',
    requirement: 'The metadata of the server name the registration_endpoint',
    tests: servedMetadata('names the registration endpoint only where clients may register themselves'),
  },
  {
    section: 'Appendix A.5.2',
    requirement: 'A server without a store may encode the registration in the client_id, and must protect it',
    tests: registeredAttack(
      'tampered and oversize: no other text names a client',
      'foreign sealed text: a code and a refresh token are no client ids, and a client id is neither',
    ),
  },
]
