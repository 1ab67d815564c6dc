import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { enableCompileCache } from 'node:module'
import type { JWK } from 'oidc-provider'

/**
 * oidc-provider with the features of the comparison: client_credentials by private_key_jwt with EdDSA, JWT access
 * tokens signed with EdDSA for one resource, opaque tokens without it, and introspection. Its only argument is the
 * path of its settings.
 */

/** The settings file of the program. */
export interface PeerSettings {
  readonly port: number
  /** EdDSA private key that signs tokens. */
  readonly signingKey: JWK
  /** Public keys of the clients, by client_id. */
  readonly clients: Readonly<Record<string, JWK>>
  /** A client that only introspects. */
  readonly introspector: { readonly id: string; readonly secret: string }
  /** Resource that JWT access tokens are for. */
  readonly resource: string
}

// The compile cache makes the start of the peer as cheap as possible, as in this server.
enableCompileCache()
const { default: Provider } = await import('oidc-provider')
const settings: PeerSettings = JSON.parse(readFileSync(String(process.argv[2]), 'utf8'))
const clients = Object.entries(settings.clients).map(([client_id, key]) => ({
  client_id,
  token_endpoint_auth_method: 'private_key_jwt' as const,
  token_endpoint_auth_signing_alg: 'EdDSA' as const,
  jwks: { keys: [key] },
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  scope: 'read',
}))
const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
  jwks: { keys: [settings.signingKey] },
  clients: [
    ...clients,
    {
      client_id: settings.introspector.id,
      client_secret: settings.introspector.secret,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: [],
      redirect_uris: [],
      response_types: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'EdDSA' },
  scopes: ['read'],
  ttl: { ClientCredentials: 900 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // By default a client may not introspect the tokens of others.
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => [],
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: settings.resource,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'EdDSA' } },
      }),
    },
  },
})
provider.on('server_error', (_, error) => process.stderr.write(`${error.stack}\n`))
const answer = provider.callback()
createServer((request, response) => void answer(request, response)).listen(settings.port, '127.0.0.1')
