import type { Requirement } from '../support/requirement.ts'
import {
  accessToken,
  claims,
  metadata,
  middleware,
  requirementsOf,
  resource,
  rs256,
  signature,
  times,
  tokenEndpoint,
} from '../support/tests-of.ts'

/** RFC 9068: access tokens that are JWTs. */
export const rfc9068: readonly Requirement[] = [
  {
    section: '2.1',
    requirement: 'The token must be signed, and its alg must not be none',
    tests: [
      ...accessToken('has the typ at+jwt, and the alg and the kid of a published key'),
      ...signature('refuses the algorithm: %s'),
    ],
  },
  {
    section: '2.1',
    requirement: 'Authorization servers and resource servers must support RS256',
    tests: [...rs256, ...signature('under a key of %s › accepts a token of this key')],
  },
  {
    section: '2.1',
    requirement: 'The header must have the typ at+jwt',
    tests: accessToken('has the typ at+jwt, and the alg and the kid of a published key'),
  },
  {
    section: '2.2',
    requirement: 'The claims iss, exp, aud, sub, client_id, iat and jti are required',
    tests: [
      ...accessToken('has all required claims, with the DID as sub and client_id', 'has another jti each time'),
      ...claims('refuses %s'),
    ],
  },
  {
    section: '2.2',
    requirement: 'Without a resource owner, sub should identify the client',
    tests: accessToken('has all required claims, with the DID as sub and client_id'),
  },
  {
    section: '2.2.3',
    requirement: 'The token of a request with a scope should contain a scope',
    tests: [
      ...accessToken('has all required claims, with the DID as sub and client_id'),
      ...tokenEndpoint('grants the scope "%s" as "%s", and says so'),
    ],
  },
  {
    section: '3',
    requirement: 'The aud should be the resource of the request',
    tests: resource('becomes aud exactly: %s'),
  },
  {
    section: '3',
    requirement: 'Without a resource in the request, aud must be a default',
    tests: resource('gives the issuer as aud when it is absent'),
  },
  {
    section: '3',
    requirement: 'The server must not issue a token whose meaning would be ambiguous',
    tests: accessToken('has all required claims, with the DID as sub and client_id'),
    differs: 'A scope means something only together with operator_id and aud, as docs/protocol.md section 5 says',
  },
  {
    section: '4',
    requirement: 'The server should publish its keys and its issuer in its metadata',
    tests: accessToken('is accepted by another library with the keys and the issuer of the metadata'),
  },
  {
    section: '4',
    requirement: 'The metadata for OAuth and for OpenID Connect must be consistent',
    tests: metadata(
      'is served with the path of the issuer inserted, and as the same text at /tenants/a4a/.well-known/openid-configuration',
    ),
  },
  {
    section: '4',
    requirement: 'A resource server must refuse a token whose typ is neither at+jwt nor application/at+jwt',
    tests: signature(
      'refuses a wrong typ as malformed',
      'refuses no typ as malformed',
      'refuses the long form of the typ as malformed',
    ),
    differs: 'The long form is refused too, because the server always writes the short form',
  },
  {
    section: '4',
    requirement: 'The iss must be exactly the issuer',
    tests: signature('refuses a token of another issuer than "%s"'),
  },
  {
    section: '4',
    requirement: 'A resource server must refuse a token whose aud does not name it',
    tests: [
      ...requirementsOf('checkRequirements refuses a token if the verifier demands another audience'),
      ...accessToken('is valid only for the resource that it was issued for'),
    ],
  },
  {
    section: '4',
    requirement: 'A resource server must verify the signature with the alg of the header and a key of the server',
    tests: signature(
      'refuses a signature of another key, over other bytes or by HMAC',
      'accepts the algorithm Ed25519 only from a key of Ed25519',
      'refuses the algorithm: %s',
    ),
  },
  {
    section: '4',
    requirement: 'A resource server must refuse a token whose exp has passed, apart from a small clock skew',
    tests: times('checks a token %s', 'allows no difference if the skew is 0'),
  },
  {
    section: '4',
    requirement: 'The error of a token that fails a check must be invalid_token (RFC 6750 section 3.1)',
    tests: middleware('answers with the status and the WWW-Authenticate header of RFC 6750 section 3.1'),
  },
  {
    section: '5',
    requirement: 'Tokens for distinct resources must have a distinct aud',
    tests: [
      ...resource('becomes aud exactly: one URI'),
      ...accessToken('is valid only for the resource that it was issued for'),
    ],
  },
  {
    section: '5',
    requirement: 'A client should not be able to choose a sub that looks like the sub of another',
    tests: accessToken('has all required claims, with the DID as sub and client_id'),
  },
]
