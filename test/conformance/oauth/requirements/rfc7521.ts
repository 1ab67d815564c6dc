import type { Requirement } from '../support/requirement.ts'
import { assertionType, badAssertion, goodAssertion, tokenEndpoint } from '../support/tests-of.ts'

/** RFC 7521: assertions with which clients authenticate. */
export const rfc7521: readonly Requirement[] = [
  {
    section: '4.2',
    requirement: 'The parameter client_assertion_type is required, and names the format as an absolute URI',
    tests: assertionType('is refused: %s'),
  },
  {
    section: '4.2',
    requirement: 'The parameter client_assertion is required',
    tests: tokenEndpoint('refuses a required parameter without a value like an absent one: client_assertion'),
  },
  {
    section: '4.2',
    requirement: 'A client_id in the request must identify the client of the assertion',
    tests: tokenEndpoint(
      'accepts the client_id of the client that the assertion authenticates',
      'refuses the client_id of another client, without a token',
    ),
  },
  {
    section: '4.2.1',
    requirement: 'The error of an assertion that is not valid must be invalid_client',
    tests: badAssertion('%s'),
  },
  {
    section: '5.2',
    requirement: 'An assertion must contain its issuer, and a client that signs it itself is the issuer',
    tests: badAssertion('no iss', 'iss that is not the sub'),
  },
  {
    section: '5.2',
    requirement: 'An assertion must contain its subject, which is the client_id of the client',
    tests: badAssertion('no sub', 'sub of another agent', 'iss and sub that are no DID'),
  },
  {
    section: '5.2',
    requirement: 'The server must refuse an assertion that does not name the server as its audience',
    tests: badAssertion('no aud', 'aud of another server', 'aud that is an empty list'),
  },
  {
    section: '5.2',
    requirement:
      'An assertion must contain its expiry, and the server must refuse it afterwards, apart from clock skew',
    tests: [
      ...badAssertion('no exp', 'exp in the past'),
      ...goodAssertion('that expired less than the clock skew ago'),
    ],
  },
  {
    section: '5.2',
    requirement: 'An assertion must have a signature or a MAC, and the server must refuse a wrong one',
    tests: badAssertion('no signature', 'alg none', 'a signature of another key', 'other claims than the signed ones'),
  },
  {
    section: '6.2',
    requirement: 'A client that acts for itself uses client_credentials, and its identifier is the subject',
    tests: [
      ...goodAssertion('with the typ client-authentication+jwt'),
      ...badAssertion('iss and sub of another agent'),
    ],
  },
]
