import type { Requirement } from '../support/requirement.ts'
import { otherInstance, RATE_LIMITS, revocation, revocationRefusal, revokedForUser, TLS } from '../support/tests-of.ts'

/** RFC 7009: token revocation. */
export const rfc7009: readonly Requirement[] = [
  {
    section: '2',
    requirement: 'The server must support the revocation of refresh tokens',
    tests: revokedForUser('ends the connection of a refresh token, and no other one'),
  },
  {
    section: '2',
    requirement: 'The server should support the revocation of access tokens',
    tests: revocation('ends a token of the client before it answers 200', 'ends only this token'),
  },
  { section: '2', requirement: 'The server must use TLS for the revocation endpoint', tests: TLS },
  {
    section: '2.1',
    requirement: 'The request is a POST with a form',
    tests: revocationRefusal('the method GET, and a body as JSON'),
  },
  {
    section: '2.1',
    requirement: 'The parameter token is required',
    tests: revocationRefusal('a request without a token', 'two tokens'),
  },
  {
    section: '2.1',
    requirement: 'The server must search all types of tokens if the hint does not lead to the token',
    tests: revocation('finds the token whatever the hint: %s'),
  },
  {
    section: '2.1',
    requirement: 'The server first checks the credentials of the client',
    tests: revocationRefusal(
      'a request without authentication',
      'a request whose assertion is not valid',
      'the header Authorization, with status 401',
    ),
  },
  {
    section: '2.1',
    requirement: 'The server refuses to revoke a token of another client, and tells the client so',
    tests: revocation(
      'answers 200 to another client of another operator, and does not end the token',
      'answers 200 to another client of the same operator, and does not end the token',
    ),
    differs: 'The answer is 200 without effect, so that a client cannot find out which texts are tokens of others',
  },
  {
    section: '2.1',
    requirement: 'A revocation takes effect immediately',
    tests: [
      ...revocation('ends a token of the client before it answers 200', 'ends a bound token without a proof'),
      ...otherInstance('a token is not active as soon as its revocation has returned'),
    ],
  },
  {
    section: '2.2',
    requirement: 'The server answers 200 after a revocation, and also for a token that is not valid',
    tests: revocation('answers 200 again for a token that is revoked', 'answers 200 for %s, without effect'),
  },
  {
    section: '2.2',
    requirement: 'A wrong hint does not change the answer',
    tests: revocation('finds the token whatever the hint: unknown'),
  },
  {
    section: '2.2.1',
    requirement: 'An error has the form of RFC 6749 section 5.2',
    tests: revocationRefusal('a request without a token', 'a request without authentication'),
  },
  {
    section: '5',
    requirement: 'The revocation endpoint must be protected against a flood of requests, like the token endpoint',
    tests: RATE_LIMITS,
  },
]
