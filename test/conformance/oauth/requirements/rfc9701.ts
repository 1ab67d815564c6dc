import type { Requirement } from '../support/requirement.ts'
import { introspection, metadata, signedIntrospection, TLS } from '../support/tests-of.ts'

const WHOLE = 'is a JWT of the issuer for the caller, and describes the token in token_introspection'

/** RFC 9701: token introspection with a signed answer. */
export const rfc9701: readonly Requirement[] = [
  {
    section: '4',
    requirement: 'A caller demands the signed answer with Accept: application/token-introspection+jwt',
    tests: signedIntrospection('depends on the header Accept: %s', WHOLE),
  },
  {
    section: '3',
    requirement: 'The server must know whether a caller is an audience of the token, and tells others nothing',
    tests: [
      ...signedIntrospection('says only that a token is not active: of another operator'),
      ...introspection('describes a token to an agent whose operator owns its audience'),
    ],
  },
  {
    section: '5',
    requirement: 'The answer has the type application/token-introspection+jwt',
    tests: signedIntrospection(WHOLE),
  },
  { section: '5', requirement: 'The typ of the JWT is token-introspection+jwt', tests: signedIntrospection(WHOLE) },
  { section: '5', requirement: 'The iss must be the issuer of the server', tests: signedIntrospection(WHOLE) },
  { section: '5', requirement: 'The aud must identify the caller', tests: signedIntrospection(WHOLE) },
  { section: '5', requirement: 'The iat must be the time of the answer', tests: signedIntrospection(WHOLE) },
  {
    section: '5',
    requirement: 'The claim token_introspection must contain the members of the answer of RFC 7662',
    tests: signedIntrospection(WHOLE),
  },
  {
    section: '5',
    requirement: 'If the token is not active or not for the caller, active must be false without other members',
    tests: signedIntrospection('says only that a token is not active: %s'),
  },
  {
    section: '5',
    requirement: 'The JWT should have no sub and no exp, so that it cannot pass as an access token',
    tests: signedIntrospection('has no sub and no exp, and the server refuses it as an access token'),
  },
  {
    section: '5',
    requirement: 'The scope should have only the scopes that concern the caller',
    tests: signedIntrospection(WHOLE),
    differs: 'The answer has all scopes, because a token does not say which scope belongs to which audience',
  },
  {
    section: '5',
    requirement: 'An answer that is signed and encrypted must be a nested JWT',
    notOurs: 'The server does not encrypt answers',
  },
  {
    section: '6',
    requirement: 'Without another choice of the caller, the alg is RS256',
    tests: metadata('names only what the server has'),
    differs: 'The alg is always EdDSA, and the metadata says so in introspection_signing_alg_values_supported',
  },
  {
    section: '8.1',
    requirement: 'The JWT must not pass as another kind of JWT',
    tests: signedIntrospection('has no sub and no exp, and the server refuses it as an access token'),
  },
  { section: '8.2', requirement: 'The server must use TLS', tests: TLS },
  {
    section: '8.2',
    requirement: 'The server must authenticate the callers',
    tests: signedIntrospection('is not made for a caller that does not authenticate'),
  },
  {
    section: '9',
    requirement: 'The server must decide by the identity of the caller what it tells',
    tests: [
      ...signedIntrospection('says only that a token is not active: of another operator', WHOLE),
      ...introspection('tells a stranger nothing about a text %s'),
    ],
  },
]
