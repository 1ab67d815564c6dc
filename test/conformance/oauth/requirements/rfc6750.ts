import type { Requirement } from '../support/requirement.ts'
import { claims, guardRefusal, middleware, resource, scopedGuard, TLS, writtenChallenge } from '../support/tests-of.ts'

const CHALLENGES = 'answers with the status and the WWW-Authenticate header of RFC 6750 section 3.1'

/** RFC 6750: bearer tokens in requests, as far as the package @auth4agent/verifier receives them. */
export const rfc6750: readonly Requirement[] = [
  {
    section: '2',
    requirement: 'A client must not use more than one method to send a token',
    tests: [
      ...guardRefusal('two Authorization headers', 'two tokens'),
      ...middleware('answers 400 to a request with two Authorization headers'),
    ],
  },
  {
    section: '2.1',
    requirement: 'A resource server must support the Authorization header',
    tests: middleware(CHALLENGES),
  },
  {
    section: '2.2',
    requirement: 'A token should not be in a form in the body',
    notOurs: 'The verifier reads only the Authorization header',
  },
  {
    section: '2.3',
    requirement: 'A token should not be in the query of the request',
    tests: middleware(CHALLENGES),
  },
  {
    section: '3',
    requirement: 'A refusal must contain WWW-Authenticate with the scheme Bearer and at least one parameter',
    tests: [
      ...guardRefusal('no Authorization header', 'another scheme'),
      ...writtenChallenge('createChallenge writes only Bearer', 'createChallenge writes both schemes without an error'),
    ],
  },
  {
    section: '3',
    requirement: 'The parameters realm, scope and error must not occur twice in a challenge',
    tests: guardRefusal('no Authorization header', 'a bound token under Bearer'),
  },
  {
    section: '3',
    requirement: 'The scope in a challenge is a list of scope-tokens with single blanks between',
    tests: scopedGuard('names the scope in every challenge, and the missing scopes in the description'),
  },
  {
    section: '3',
    requirement: 'The error_description must have only certain ASCII characters',
    tests: writtenChallenge('createChallenge writes characters that would end the quoted text'),
  },
  {
    section: '3.1',
    requirement: 'A challenge to a request without a token should not contain an error',
    tests: guardRefusal('no Authorization header'),
  },
  {
    section: '3.1',
    requirement: 'The error invalid_request reports a malformed request, with 400',
    tests: guardRefusal('another scheme', 'two tokens', 'a scheme without a token', 'a tab after the scheme'),
  },
  {
    section: '3.1',
    requirement: 'The error invalid_token reports a token that is not valid, with 401',
    tests: [...middleware(CHALLENGES), ...guardRefusal('a bound token under Bearer')],
  },
  {
    section: '3.1',
    requirement: 'The error insufficient_scope reports a missing scope, with 403',
    tests: [
      ...middleware(CHALLENGES),
      ...scopedGuard('names the scope in every challenge, and the missing scopes in the description'),
    ],
  },
  { section: '5.2', requirement: 'The server must use TLS', tests: TLS },
  {
    section: '5.2',
    requirement: 'A token should name its audience',
    tests: resource('becomes aud exactly: %s', 'gives the issuer as aud when it is absent'),
  },
  {
    section: '5.3',
    requirement: 'A bearer token should live for at most an hour',
    tests: claims('refuses a lifetime of more than an hour'),
  },
]
