import type { ReasonCode } from '../../../../services/platform/errors/reasons.ts'
import type { Schema } from '../schemas.ts'
import { AUTHZ_ENTRY } from './authz-entry.ts'
import { REGISTRATION_ENTRY } from './registration-entry.ts'

/**
 * A route that no descriptor describes. It needs no authentication, and has no parameters in the path. One with a body
 * is POST and answers errors as OAuth does; all others are GET.
 */
export interface Entry {
  readonly path: string
  readonly operationId: string
  readonly tag: 'Discovery' | 'Tokens' | 'Operations' | 'Pages'
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly Schema[]
  readonly security?: readonly Schema[]
  /** Who may call it, in words. The default is anyone. */
  readonly callers?: string
  /** The JSON that is sent. */
  readonly body?: { readonly schema: Schema; readonly example: unknown }
  /** The successful status and its media type. */
  readonly answer: {
    readonly status?: 200 | 201 | 204
    readonly mediaType?: string
    readonly schema?: Schema
    readonly example?: unknown
  }
  /** Other responses by status. */
  readonly responses?: Readonly<Record<string, Schema>>
  readonly reasons?: readonly ReasonCode[]
  /** Whether the path exists only at the root of the host, and not under the issuer's path. */
  readonly isAtRoot?: true
}

const NOT_MODIFIED = { '304': { description: 'The client has the current document: `If-None-Match` names its `ETag`' } }
const JSON_OBJECT: Schema = { type: 'object' }
const CACHEABLE = { $ref: '#/components/parameters/IfNoneMatch' }
const HTML = { mediaType: 'text/html; charset=utf-8', schema: { type: 'string' } }
const TEXT = { type: 'string' }
const SECONDS: Schema = { type: 'integer', format: 'int64' }

function objectOf(properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema {
  return { type: 'object', properties, required }
}

/** The routes that no descriptor describes. A new route without descriptor needs an entry here. */
export const ENTRIES: readonly Entry[] = [
  AUTHZ_ENTRY,
  REGISTRATION_ENTRY,
  {
    path: '/.well-known/auth4agent',
    operationId: 'getDiscovery',
    tag: 'Discovery',
    summary: 'Says where everything is: endpoints, algorithms, lifetimes',
    parameters: [CACHEABLE],
    answer: {
      schema: {
        type: 'object',
        properties: { issuer: TEXT, protocol_version: TEXT, jwks_uri: TEXT, endpoints: JSON_OBJECT },
        required: ['issuer', 'protocol_version', 'jwks_uri', 'endpoints'],
      },
    },
    responses: NOT_MODIFIED,
  },
  {
    path: '/.well-known/jwks.json',
    operationId: 'getJsonWebKeySet',
    tag: 'Discovery',
    summary: 'Returns the public signing keys',
    description: 'A JWK Set (RFC 7517 section 5). `Cache-Control` says how long a verifier may keep it.',
    parameters: [CACHEABLE],
    answer: {
      schema: {
        type: 'object',
        properties: {
          keys: {
            type: 'array',
            items: {
              type: 'object',
              properties: { kty: TEXT, kid: TEXT, alg: TEXT, use: TEXT, crv: TEXT, x: TEXT, y: TEXT, n: TEXT, e: TEXT },
              required: ['kty', 'kid', 'alg', 'use'],
            },
          },
        },
        required: ['keys'],
      },
    },
    responses: NOT_MODIFIED,
    reasons: ['RATE_LIMITED', 'OVERLOADED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'],
  },
  ...['oauth-authorization-server', 'openid-configuration'].map(
    (name, index): Entry => ({
      path: `/.well-known/${name}`,
      operationId: index === 0 ? 'getAuthorizationServerMetadata' : 'getOpenIdConfiguration',
      tag: 'Discovery',
      summary:
        index === 0
          ? 'Returns the OAuth metadata (RFC 8414)'
          : 'Returns the OAuth metadata, for libraries that look only here',
      parameters: [CACHEABLE],
      answer: {
        schema: {
          type: 'object',
          properties: { issuer: TEXT, token_endpoint: TEXT, jwks_uri: TEXT },
          required: ['issuer', 'token_endpoint', 'jwks_uri'],
        },
      },
      responses: NOT_MODIFIED,
    }),
  ),
  {
    path: '/.well-known/ssf-configuration',
    operationId: 'getTransmitterConfiguration',
    tag: 'Discovery',
    summary: 'Returns the configuration of the transmitter of security events (Shared Signals Framework 1.0)',
    parameters: [CACHEABLE],
    answer: {
      schema: {
        type: 'object',
        properties: { issuer: TEXT, jwks_uri: TEXT, configuration_endpoint: TEXT },
        required: ['issuer', 'jwks_uri', 'configuration_endpoint'],
      },
    },
    responses: NOT_MODIFIED,
  },
  {
    path: '/openapi.json',
    operationId: 'getOpenApiDocument',
    tag: 'Discovery',
    summary: 'Returns this document',
    description: 'The server in it is the issuer of this deployment.',
    parameters: [CACHEABLE],
    answer: { schema: JSON_OBJECT },
    responses: NOT_MODIFIED,
  },
  {
    path: '/health',
    operationId: 'getHealth',
    tag: 'Operations',
    summary: 'Says that the process is running',
    answer: { schema: objectOf({ status: { const: 'ok' }, timestamp: SECONDS }) },
  },
  {
    path: '/ready',
    operationId: 'getReadiness',
    tag: 'Operations',
    summary: 'Says whether the process can do its work',
    description: '`durability` says what a commit survives, and `problem` what the database lacks for it.',
    answer: {
      schema: objectOf(
        { status: { const: 'ready' }, durability: { enum: ['quorum', 'storage', 'single', 'unknown'] }, problem: TEXT },
        ['status', 'durability'],
      ),
    },
    reasons: ['UNAVAILABLE'],
    isAtRoot: true,
  },
  {
    path: '/metrics',
    operationId: 'getMetrics',
    tag: 'Operations',
    summary: 'Returns the metrics of the process for Prometheus',
    answer: { mediaType: 'text/plain; version=0.0.4; charset=utf-8', schema: TEXT },
    isAtRoot: true,
  },
  {
    path: '/',
    operationId: 'getFrontPage',
    tag: 'Pages',
    summary: 'Shows what this server is, and how to start',
    description: 'Only for callers that prefer HTML.',
    answer: HTML,
    reasons: ['ROUTE_NOT_FOUND'],
  },
  {
    path: '/docs',
    operationId: 'getDocumentationPage',
    tag: 'Pages',
    summary: 'Shows this document as a page',
    parameters: [CACHEABLE],
    answer: HTML,
    responses: NOT_MODIFIED,
  },
  {
    path: '/trust',
    operationId: 'getTrustPage',
    tag: 'Pages',
    summary: 'Shows the trust graph as a page',
    description: 'The page has the same parameters as `GET /v1/trust/view`. An error is a page too, with its status.',
    parameters: ['view', 'around'].map((name) => ({
      name,
      in: 'query',
      description: `As in \`GET /v1/trust/view\``,
      schema: TEXT,
    })),
    answer: HTML,
  },
  {
    path: '/people/passkey',
    operationId: 'getPasskeyPage',
    tag: 'Pages',
    summary: 'The page on which an invited person makes a passkey',
    description:
      'The invitation is in the fragment of the URL, which browsers do not send. The page is the same for all.',
    answer: HTML,
  },
]
