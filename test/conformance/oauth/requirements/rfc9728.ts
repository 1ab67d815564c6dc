import type { Requirement } from '../support/requirement.ts'
import {
  mcpServer,
  otherLibraries,
  resource,
  resourceDocument,
  resourceGuard,
  resourceMetadata,
  writtenChallenge,
} from '../support/tests-of.ts'

const PLACE = 'protect for the resource %s names the metadata address %s, and serves the metadata there'
const WHOLE = 'serves its metadata of RFC 9728, which names the issuer as authorization server'

/** RFC 9728: metadata of a protected resource, which the package @auth4agent/verifier serves. */
export const rfc9728: readonly Requirement[] = [
  {
    section: '1.2',
    requirement: 'The identifier of a resource is a URL without fragment',
    tests: resourceMetadata(
      'protect throws TypeError for options with a relative address',
      'protect throws TypeError for options with a fragment',
    ),
  },
  { section: '2', requirement: 'The member resource is required', tests: resourceMetadata(PLACE) },
  {
    section: '2',
    requirement: 'The list resource_signing_alg_values_supported must not contain none',
    notOurs: 'The verifier does not sign answers of the API',
  },
  {
    section: '2.2',
    requirement: 'Signed metadata must have a signature and an iss',
    notOurs: 'The verifier does not sign the metadata',
  },
  {
    section: '3',
    requirement: 'The metadata must be at the well-known path that is inserted before the path of the resource',
    tests: resourceMetadata(
      PLACE,
      'protect refuses a request without a token at paths that only look like the path of the metadata',
    ),
  },
  {
    section: '3.1',
    requirement: 'A slash after the host must be removed before the well-known path is inserted',
    tests: resourceDocument('of %s are at the path %s only, and name the resource byte for byte'),
  },
  {
    section: '3.2',
    requirement: 'The answer must be a JSON object with status 200 and the type application/json',
    tests: mcpServer(WHOLE),
  },
  {
    section: '3.2',
    requirement: 'A member without a value must be left out',
    tests: resourceDocument('contain only what is known', 'contain no empty list of scopes'),
  },
  {
    section: '3.3',
    requirement: 'The resource in the metadata must be identical to the URL from which its address was made',
    tests: [
      ...resourceDocument('of %s are at the path %s only, and name the resource byte for byte'),
      ...otherLibraries('serves metadata that oauth4webapi and the MCP SDK accept'),
    ],
  },
  {
    section: '5.1',
    requirement: 'The challenge names the address of the metadata in resource_metadata',
    tests: [
      ...writtenChallenge('createChallenge writes a scope and metadata'),
      ...resourceGuard('%s names the address of the metadata in every challenge'),
    ],
  },
  {
    section: '7.1',
    requirement: 'The metadata must be served over TLS',
    notOurs: 'The verifier is a part of the API, which terminates TLS itself or behind a proxy',
  },
  {
    section: '7.4',
    requirement: 'The authorization server should support tokens that name their audience',
    tests: resource('becomes aud exactly: %s'),
  },
]
