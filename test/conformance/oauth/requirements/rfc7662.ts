import type { Requirement } from '../support/requirement.ts'
import { introspection, introspectionRefusal, otherInstance, TLS } from '../support/tests-of.ts'

const INACTIVE = 'answers {"active":false} and nothing more about a token'

/** RFC 7662: token introspection. */
export const rfc7662: readonly Requirement[] = [
  { section: '2', requirement: 'The introspection endpoint must be protected by TLS', tests: TLS },
  {
    section: '2.1',
    requirement: 'The request is a POST with a form',
    tests: introspectionRefusal('the method GET, and a body as JSON'),
  },
  {
    section: '2.1',
    requirement: 'The parameter token is required',
    tests: introspectionRefusal('a request without a token', 'two tokens'),
  },
  {
    section: '2.1',
    requirement: 'The server must search all types of tokens if the hint does not lead to the token',
    tests: introspection('finds the token whatever the hint: %s'),
  },
  {
    section: '2.1',
    requirement: 'The endpoint must require authorization, so that nobody can try out tokens',
    tests: introspectionRefusal(
      'a request without authentication, with status 401',
      'a request whose assertion is not valid, with status 401',
      'the introspected token as the authentication of the caller',
      'an agent that is not active: %s',
    ),
  },
  {
    section: '2.2',
    requirement: 'The answer is a JSON object that must contain active as a boolean',
    tests: introspection('describes an active token to an agent of its operator, and no cache may store the answer'),
  },
  {
    section: '2.2',
    requirement: 'The answer for a token that is not active, not known or not for the caller is active: false',
    tests: [
      ...introspection(`${INACTIVE} that has expired`, `${INACTIVE} that is a client assertion`),
      ...introspection('tells a stranger nothing about a text of another operator and for another audience'),
      ...introspection('tells a stranger nothing about a text that is not a token'),
    ],
  },
  {
    section: '2.2',
    requirement: 'The answer for such a token should not contain any other member',
    tests: introspection(`${INACTIVE} %s`, 'tells a stranger nothing about a text %s'),
  },
  {
    section: '2.3',
    requirement: 'Failed authentication of the caller leads to 401',
    tests: introspectionRefusal(
      'a request without authentication, with status 401',
      'a request whose assertion is not valid, with status 401',
    ),
  },
  {
    section: '2.3',
    requirement: 'A query for a token that is not active is not an error',
    tests: introspection(`${INACTIVE} %s`),
  },
  {
    section: '4',
    requirement: 'The server must check whether the token has expired',
    tests: introspection(`${INACTIVE} that has expired`),
  },
  {
    section: '4',
    requirement: 'The server must check whether the lifetime of the token has begun',
    tests: introspection(`${INACTIVE} that is not valid yet`),
  },
  {
    section: '4',
    requirement: 'The server must check whether the token is revoked',
    tests: [
      ...introspection('answers {"active":false} as soon as the revocation of a token has returned'),
      ...introspection('answers {"active":false} as soon as the suspension of the agent has returned'),
      ...introspection(`${INACTIVE} of an older epoch`),
      ...otherInstance('a token is not active as soon as its revocation has returned'),
    ],
  },
  {
    section: '4',
    requirement: 'The server must verify the signature of the token',
    tests: introspection(`${INACTIVE} with a changed signature`, `${INACTIVE} with another typ`),
  },
  {
    section: '4',
    requirement: 'The server must check whether the caller may use the token, if it is only for certain resources',
    tests: introspection(
      'describes a token to an agent whose operator owns its audience',
      'tells a stranger nothing about a text of another operator and for another audience',
    ),
  },
  {
    section: '4',
    requirement: 'The server must require authentication of the callers',
    tests: introspectionRefusal('a request without authentication, with status 401'),
  },
  {
    section: '4',
    requirement: 'The server must understand every token that it has issued',
    tests: introspection(
      'describes an active token to an agent of its operator, and no cache may store the answer',
      'describes a bound token with its key and the token_type DPoP, without a proof',
    ),
  },
  {
    section: '4',
    requirement: 'A caller must not keep an answer for longer than the token lives',
    tests: introspection('describes an active token to an agent of its operator, and no cache may store the answer'),
  },
]
