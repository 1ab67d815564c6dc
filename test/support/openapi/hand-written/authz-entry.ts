import type { Schema } from '../schemas.ts'
import type { Entry } from './entries.ts'

/** The context extensions of a route, which are the parameters of the query. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  audience: 'Audiences, separated by spaces. The token must be for one of them',
  scope: 'Scopes, separated by spaces. The token must have all of them',
  operators: 'Domains or ids, separated by spaces. The operator of the token must be one of them',
  actors: 'Domains, separated by spaces. Every agent in a delegation must be of one of them',
  issuers: 'The only issuers whose tokens are accepted, separated by spaces',
  delegation: '`accept` to accept delegated authority',
  dpop: '`required` to refuse bearer tokens',
  attestation_types: 'Types of attestors, separated by spaces, for a result that the token must state',
  attestation_attestors: 'Names of attestors, separated by spaces, for that result',
  attestation_level: 'The weakest level of that result',
  attestation_max_age: 'The oldest age of that result, in seconds',
  header_prefix: 'Begins the names of the headers for the API',
  forward_token: '`false` to keep the token from the API',
  resource_metadata: 'An https URL for `WWW-Authenticate` (RFC 9728)',
}

const REASON: Schema = {
  'x-auth4agent-reason': { description: 'Why the request is refused', schema: { type: 'string' } },
}

/** Forward auth: the decision of Envoy's Check for proxies that ask by HTTP. */
export const AUTHZ_ENTRY: Entry = {
  path: '/v1/authz',
  operationId: 'authorizeRequest',
  tag: 'Tokens',
  summary: 'Decides for a proxy whether a request may pass',
  description:
    'The headers are those of the request, with its `Authorization` and `DPoP`. The headers of the answer tell the ' +
    'API who calls. No answer about a request has a body.',
  parameters: Object.entries(EXTENSIONS).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
    required: name === 'audience',
  })),
  answer: { status: 204 },
  responses: {
    '401': { description: 'There is no valid token; `WWW-Authenticate` says why', headers: REASON },
    '403': { description: 'The request, the route or the scope of the token is refused', headers: REASON },
    '503': { description: 'The server cannot decide now', headers: REASON },
  },
  reasons: ['RATE_LIMITED', 'OVERLOADED', 'DEADLINE_EXCEEDED'],
}
