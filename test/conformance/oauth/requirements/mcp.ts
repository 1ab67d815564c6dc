import type { Requirement } from '../support/requirement.ts'
import {
  accessToken,
  codeRefusal,
  guardRefusal,
  mcpServer,
  metadata,
  middleware,
  otherLibraries,
  refreshToken,
  requirementsOf,
  resource,
  resourceGuard,
  resourceMetadata,
  scopedGuard,
  TLS,
  times,
  tokenEndpoint,
} from '../support/tests-of.ts'

const METADATA = 'serves its metadata of RFC 9728, which names the issuer as authorization server'
const CHALLENGES = 'answers with the status and the WWW-Authenticate header of RFC 6750 section 3.1'
const INSERTED = 'is served with the path of the issuer inserted, and as the same text at'

/** MCP, revision 2026-07-28, authorization: rules for authorization servers and MCP servers. */
export const mcp: readonly Requirement[] = [
  {
    section: 'Authorization, Overview, 1',
    requirement: 'An authorization server must implement OAuth 2.1 for confidential and for public clients',
    tests: [...metadata('names only what the server has'), ...codeRefusal('%s: %s')],
  },
  {
    section: 'Authorization, Overview, 2',
    requirement: 'An authorization server should support client ID metadata documents',
    tests: metadata('names only what the server has'),
  },
  {
    section: 'Authorization, Overview, 4',
    requirement: 'An MCP server must serve metadata of RFC 9728',
    tests: [...mcpServer(METADATA), ...otherLibraries('serves metadata that oauth4webapi and the MCP SDK accept')],
  },
  {
    section: 'Authorization, Overview, 5',
    requirement: 'An authorization server must serve metadata of RFC 8414 or of OpenID Connect Discovery',
    tests: metadata('is a JSON object with status 200'),
  },
  {
    section: 'Authorization Server Discovery, Authorization Server Location',
    requirement: 'The metadata of an MCP server must name at least one authorization server',
    tests: mcpServer(METADATA),
  },
  {
    section: 'Authorization Server Discovery, Protected Resource Metadata Discovery Requirements',
    requirement: 'An MCP server must name its metadata in WWW-Authenticate or serve it at the well-known path',
    tests: [
      ...resourceGuard('%s names the address of the metadata in every challenge'),
      ...resourceMetadata('protect for the resource %s names the metadata address %s, and serves the metadata there'),
    ],
  },
  {
    section: 'Authorization Server Discovery, Authorization Server Metadata Discovery',
    requirement: 'A client tries three well-known paths for an issuer with a path',
    tests: metadata(
      'is a JSON object with status 200',
      `${INSERTED} /.well-known/openid-configuration/tenants/a4a`,
      `${INSERTED} /tenants/a4a/.well-known/openid-configuration`,
    ),
  },
  {
    section: 'Authorization Server Discovery, Authorization Server Metadata Discovery',
    requirement: 'The issuer in the metadata must be identical to the issuer that the client has used',
    tests: [
      ...metadata('names only what the server has'),
      ...accessToken('is accepted by another library with the keys and the issuer of the metadata'),
    ],
  },
  {
    section: 'Authorization, Scope Selection Strategy',
    requirement: 'An MCP server should name the necessary scopes in WWW-Authenticate',
    tests: scopedGuard('names the scope in every challenge, and the missing scopes in the description'),
  },
  {
    section: 'Authorization, Resource Parameter Implementation',
    requirement: 'A token request contains the canonical URI of the MCP server as resource',
    tests: [
      ...resource('becomes aud exactly: one URI', 'becomes aud exactly: a URI with port, path and query'),
      ...resource(
        'is refused with invalid_target: a URI with a fragment',
        'is refused with invalid_target: a host name',
      ),
    ],
  },
  {
    section: 'Authorization, Resource Parameter Implementation, Canonical Server URI',
    requirement: 'Implementations should accept scheme and host in upper case',
    tests: resource('is refused with invalid_target: a URI with a host in upper case'),
    differs: 'Verifiers compare aud byte for byte, so the server accepts only the canonical form',
  },
  {
    section: 'Authorization, Access Token Usage, Token Requirements',
    requirement: 'A token must be in the Authorization header, and must not be in the query',
    tests: middleware(CHALLENGES),
  },
  {
    section: 'Authorization, Access Token Usage, Token Handling',
    requirement: 'An MCP server must accept only tokens that name it as their audience',
    tests: [
      ...requirementsOf('checkRequirements refuses a token if the verifier demands another audience'),
      ...resourceGuard('accepts only tokens for the resource, and also for its own audience if it has one'),
    ],
  },
  {
    section: 'Authorization, Access Token Usage, Token Handling',
    requirement: 'A token that is expired or not valid must lead to 401',
    tests: [...times('checks a token %s'), ...middleware(CHALLENGES)],
  },
  {
    section: 'Authorization, Error Handling',
    requirement: 'The status must be 401 without a valid token, 403 without a scope, and 400 for a malformed request',
    tests: [...middleware(CHALLENGES), ...guardRefusal('no Authorization header', 'another scheme')],
  },
  {
    section: 'Authorization, Scope Challenge Handling',
    requirement: 'A missing scope should lead to 403 with error, scope and resource_metadata',
    tests: [
      ...otherLibraries('refuses a token that lacks a scope with a header that lets the MCP SDK ask for the scope'),
      ...scopedGuard('names the scope in every challenge, and the missing scopes in the description'),
      ...mcpServer(
        'gives its tools the claims of the token that a client of the MCP SDK sends, and refuses another scope',
      ),
    ],
  },
  {
    section: 'Security Considerations, Token Theft',
    requirement: 'Access tokens should be short-lived',
    tests: tokenEndpoint('answers with a token that no cache may store, without a refresh token'),
  },
  {
    section: 'Security Considerations, Token Theft',
    requirement: 'The authorization server must rotate the refresh tokens of public clients',
    tests: refreshToken('gives another token of the same connection, and the next refresh token'),
  },
  {
    section: 'Security Considerations, Communication Security',
    requirement: 'All endpoints of the authorization server must be served over HTTPS',
    tests: TLS,
  },
  {
    section: 'Security Considerations, Authorization Code Protection',
    requirement: 'Metadata of OpenID Connect Discovery must contain code_challenge_methods_supported',
    tests: metadata('names only what the server has'),
  },
  {
    section: 'Security Considerations, Open Redirection',
    requirement: 'The authorization server must compare redirect URIs exactly',
    tests: codeRefusal('%s: %s'),
  },
  {
    section: 'Extension OAuth Client Credentials, JWT Bearer Assertions',
    requirement: 'A client gets a token with client_credentials and an assertion that its key has signed',
    tests: tokenEndpoint('answers with a token that no cache may store, without a refresh token'),
  },
]
