import type { Schema } from '../schemas.ts'
import type { Entry } from './entries.ts'

const TEXT: Schema = { type: 'string' }
const TEXTS: Schema = { type: 'array', items: TEXT }
const METADATA: Readonly<Record<string, Schema>> = {
  client_name: { ...TEXT, description: 'At most 100 visible characters. Nobody verifies it' },
  redirect_uris: { ...TEXTS, description: '1 to 16: `https`, or `http` with `127.0.0.1`, `[::1]` or `localhost`' },
  token_endpoint_auth_method: { ...TEXT, description: 'Only `none`' },
  grant_types: { ...TEXTS, description: 'Must have `authorization_code`. The client gets it and `refresh_token`' },
  response_types: { ...TEXTS, description: 'Must have `code`, which the client gets' },
}

/** Open registration of clients: the contract is that of RFC 7591. */
export const REGISTRATION_ENTRY: Entry = {
  path: '/oauth/register',
  operationId: 'registerClient',
  tag: 'Tokens',
  summary: 'Registers a client that acts for users (RFC 7591)',
  description:
    'Only where the deployment has switched it on; else 404. The server stores nothing: the client id contains the ' +
    'metadata, sealed. The same metadata always give the same client id. Other members are ignored.',
  body: {
    schema: { type: 'object', properties: METADATA, required: ['redirect_uris'] },
    example: { client_name: 'Example', redirect_uris: ['https://client.example/callback'] },
  },
  answer: {
    status: 201,
    schema: {
      type: 'object',
      properties: { client_id: TEXT, ...METADATA },
      required: ['client_id', 'redirect_uris', 'token_endpoint_auth_method', 'grant_types', 'response_types'],
    },
  },
  reasons: [
    'INVALID_CLIENT_METADATA',
    'INVALID_REDIRECT_URI',
    'ROUTE_NOT_FOUND',
    'BODY_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'RATE_LIMITED',
    'OVERLOADED',
    'DEADLINE_EXCEEDED',
  ],
}
