import type { Requirement } from '../support/requirement.ts'
import {
  accessToken,
  assertionOnce,
  assertionType,
  badAssertion,
  duplicate,
  endpointAudience,
  goodAssertion,
  metadata,
  otherInstance,
} from '../support/tests-of.ts'

/** The draft that replaces item 3 of section 3, draft-ietf-oauth-rfc7523bis. */
const SUCCESSOR = '3, item 3, as the successor of the RFC replaces it'

/** RFC 7523: JWTs with which clients authenticate, with the stricter audience of its successor. */
export const rfc7523: readonly Requirement[] = [
  {
    section: '2.2',
    requirement: 'The client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    tests: assertionType('is refused: %s'),
  },
  {
    section: '2.2',
    requirement: 'The parameter client_assertion must contain exactly one JWT',
    tests: [...badAssertion('two JWTs in one parameter', 'a text that is not a JWT'), ...duplicate('two assertions')],
  },
  { section: '3, item 1', requirement: 'The JWT must contain iss', tests: badAssertion('no iss') },
  {
    section: '3, item 2',
    requirement: 'The JWT must contain sub, which must be the client_id',
    tests: badAssertion('no sub', 'sub of another agent', 'iss that is not the sub'),
  },
  {
    section: SUCCESSOR,
    requirement: 'The JWT must contain aud with the issuer of the server as the only audience',
    tests: [
      ...badAssertion('no aud', 'aud of another server', 'aud of two members', 'aud of two members, the issuer last'),
      ...goodAssertion('whose aud is a list of the issuer alone'),
    ],
  },
  {
    section: SUCCESSOR,
    requirement: 'The URL of the token endpoint must not be the audience',
    tests: [
      ...badAssertion('aud of the token endpoint'),
      ...endpointAudience('accepts an assertion whose aud is %s', 'refuses an assertion whose aud is %s'),
    ],
    differs: 'AUTH4AGENT_ASSERTION_AUDIENCE=issuer-or-endpoint allows it, for clients that cannot be changed yet',
  },
  {
    section: SUCCESSOR,
    requirement: 'The audience must be compared as a text, without normalisation',
    tests: badAssertion('aud with a slash at the end', 'aud in another case'),
  },
  {
    section: '3, item 4',
    requirement: 'The JWT must contain exp, and the server must refuse it afterwards, apart from clock skew',
    tests: [
      ...badAssertion('no exp', 'exp that is a text', 'exp in the past'),
      ...goodAssertion('that expired less than the clock skew ago'),
    ],
  },
  {
    section: '3, item 4',
    requirement: 'The server may refuse an exp that is unreasonably far in the future',
    tests: [...badAssertion('exp more than 300 s ahead'), ...goodAssertion('that expires in exactly 300 s')],
  },
  {
    section: '3, item 5',
    requirement: 'The server must refuse a JWT before the time of its nbf',
    tests: [...badAssertion('nbf in the future'), ...goodAssertion('with an nbf in the past')],
  },
  {
    section: '3, item 6',
    requirement: 'The claim iat is optional',
    tests: [...goodAssertion('without iat'), ...badAssertion('iat in the future')],
  },
  {
    section: '3, item 7',
    requirement: 'The server may refuse a jti that the client has used before, until the JWT expires',
    tests: [
      ...assertionOnce('at %s, and then refused at %s', 'in 20 parallel requests'),
      ...assertionOnce('even if it is sent again in another encoding', 'although another agent has used the same jti'),
      ...otherInstance('a used assertion is refused: %s'),
      ...otherInstance('an assertion that both instances get at once gives one token'),
      ...endpointAudience('still accepts each assertion once'),
    ],
  },
  {
    section: '3, item 7',
    requirement: 'The claim jti is optional',
    tests: badAssertion('no jti', 'jti that is empty', 'jti of 129 characters', 'jti that is a number'),
    differs: 'jti is required, because without it an assertion could be used again until it expires',
  },
  {
    section: '3, item 8',
    requirement: 'The JWT may contain other claims',
    tests: goodAssertion('with claims that the server does not know'),
  },
  {
    section: '3, item 9',
    requirement: 'The JWT must be signed or have a MAC, and the server must refuse a wrong signature',
    tests: [
      ...badAssertion('no signature', 'alg none', 'a signature of another key', 'other claims than the signed ones'),
      ...badAssertion('a MAC with the public key as secret', 'alg of another kind of key'),
    ],
  },
  {
    section: '3, item 10',
    requirement: 'The server must refuse a JWT that is not valid for any other reason of RFC 7519',
    tests: badAssertion(
      'an extension that must be understood',
      'a claim twice',
      'claims that are a list',
      'padding after the signature',
      'five parts, like an encrypted JWT',
    ),
  },
  {
    section: '3.2',
    requirement: 'The error of a JWT that is not valid must be invalid_client',
    tests: badAssertion('%s'),
  },
  {
    section: '3.2, as the successor of the RFC adds',
    requirement: 'The typ should be client-authentication+jwt, and the server should not refuse a JWT without typ',
    tests: goodAssertion('with the typ client-authentication+jwt', 'with the typ JWT', 'without a typ'),
  },
  {
    section: '3.2, as the successor of the RFC adds',
    requirement: 'A JWT whose typ says that it has another purpose does not authenticate a client',
    tests: [
      ...badAssertion('typ at+jwt', 'typ dpop+jwt', 'typ of an operator assertion', 'a token of the server'),
      ...badAssertion('typ that is empty', 'typ that is a number', 'an assertion of an operator'),
      ...accessToken('is no client assertion, and a client assertion is no access token'),
    ],
  },
  {
    section: '5',
    requirement: 'Every implementation must support RS256',
    tests: [
      ...metadata('names the algorithms of assertions at the %s endpoint'),
      ...goodAssertion('with the alg Ed25519'),
      ...badAssertion('alg of another kind of key'),
    ],
    differs: 'The key of an agent is always an Ed25519 key, so its assertions have the alg EdDSA or Ed25519',
  },
]
