import type { Requirement } from '../support/requirement.ts'
import { accessToken, resource, tokenEndpoint } from '../support/tests-of.ts'

/** RFC 8707: the parameter resource of a token request. */
export const rfc8707: readonly Requirement[] = [
  {
    section: '2',
    requirement: 'The value must be an absolute URI',
    tests: resource(
      'is refused with invalid_target: a path',
      'is refused with invalid_target: a reference without a scheme',
      'is refused with invalid_target: a host name',
    ),
  },
  {
    section: '2',
    requirement: 'The value must not have a fragment',
    tests: resource(
      'is refused with invalid_target: a URI with a fragment',
      'is refused with invalid_target: a URI with an empty fragment',
    ),
  },
  {
    section: '2',
    requirement: 'The parameter may occur several times',
    tests: resource('becomes aud exactly: two URIs', 'becomes aud exactly: eight URIs'),
  },
  {
    section: '2',
    requirement: 'The server should answer invalid_target if it does not accept a value',
    tests: resource(
      'is refused with invalid_target: %s',
      'is refused with invalid_target when the operator of the audience allows other callers only',
    ),
  },
  {
    section: '2',
    requirement: 'Without the parameter, the server may use a default resource',
    tests: [
      ...resource('gives the issuer as aud when it is absent'),
      ...tokenEndpoint('treats a parameter without a value as absent: resource'),
    ],
  },
  {
    section: '2.2',
    requirement: 'The server should restrict the audience of the token to the resources of the request',
    tests: [
      ...resource('becomes aud exactly: one URI', 'becomes aud exactly: a URI with port, path and query'),
      ...accessToken('is valid only for the resource that it was issued for'),
    ],
  },
  {
    section: '3',
    requirement: 'A token that names its audience is of no use at another resource',
    tests: accessToken('is valid only for the resource that it was issued for'),
  },
]
