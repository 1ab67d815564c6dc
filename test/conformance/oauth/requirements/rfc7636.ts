import type { Requirement } from '../support/requirement.ts'
import { authorizeAttack, authorizeError, codeRefusal, metadata, providerAnswer } from '../support/tests-of.ts'

/** RFC 7636: proof key for code exchange. */
export const rfc7636: readonly Requirement[] = [
  {
    section: '4.1',
    requirement: 'A code verifier has 43 to 128 unreserved characters',
    tests: codeRefusal('with a short code verifier: INVALID_ARGUMENT', 'without a code verifier: INVALID_ARGUMENT'),
  },
  {
    section: '4.2',
    requirement: 'A client that can use S256 must use it',
    tests: [...authorizeError('a plain code challenge'), ...metadata('names only what the server has')],
  },
  {
    section: '4.3',
    requirement: 'Without code_challenge_method, the method is plain',
    differs: 'OAuth 2.1 needs S256, so a request without the method is refused like one with plain',
    tests: authorizeError('no code challenge method'),
  },
  {
    section: '4.4.1',
    requirement: 'A server that needs PKCE answers invalid_request to a request without a code challenge',
    tests: authorizeError('no code challenge', 'a short code challenge'),
  },
  {
    section: '4.6',
    requirement: 'The server answers invalid_grant if the digest of the verifier is not the code challenge',
    tests: [
      ...codeRefusal('with another code verifier: CODE_NOT_ACCEPTED'),
      ...authorizeAttack('code injection: a code is of no use with the verifier of another flow'),
    ],
  },
  {
    section: '7.1',
    requirement: 'A client must make another verifier for each request',
    tests: providerAnswer('asks for a code in the query with PKCE, nonce and state, and says who the person may be'),
  },
]
