import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { oauthProvider } from '@better-auth/oauth-provider'
import { type BetterAuthOptions, type BetterAuthPlugin, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { type Jwk, jwt } from 'better-auth/plugins'
import type { JWK } from 'jose'
import { Pool } from 'pg'

/**
 * Better Auth with its OAuth provider over PostgreSQL, with the features of the comparison: client_credentials by
 * private_key_jwt with EdDSA, and JWT access tokens signed with EdDSA for one resource. It creates its tables, inserts
 * its clients, and then serves. Its only argument is the path of its settings.
 */

/** The settings file of the program. */
export interface DurablePeerSettings {
  readonly port: number
  /** A database without tables. */
  readonly databaseUrl: string
  /** EdDSA private key that signs tokens. */
  readonly signingKey: JWK
  /** Public keys of the clients, by client_id. */
  readonly clients: Readonly<Record<string, JWK>>
  /** Resource that access tokens are for. */
  readonly resource: string
}

const settings: DurablePeerSettings = JSON.parse(readFileSync(String(process.argv[2]), 'utf8'))
const { d, ...publicKey } = settings.signingKey
const signingKey: Jwk = {
  id: 'signing-key',
  alg: 'EdDSA',
  crv: 'Ed25519',
  publicKey: JSON.stringify(publicKey),
  privateKey: JSON.stringify({ ...publicKey, d }),
  createdAt: new Date(),
}
// The types of the package do not allow for `exactOptionalPropertyTypes`.
const provider = oauthProvider({
  loginPage: '/none',
  consentPage: '/none',
  scopes: ['read'],
  grantTypes: ['client_credentials'],
  m2mAccessTokenExpiresIn: 900,
  resources: [settings.resource],
  // Otherwise it reads the client twice, the resource, and the link between them for each token.
  cachedTrustedClients: new Set(Object.keys(settings.clients)),
  cachedResources: new Set([settings.resource]),
  enforcePerClientResources: false,
}) as BetterAuthPlugin
const options: BetterAuthOptions = {
  baseURL: `http://127.0.0.1:${settings.port}`,
  secret: 'a secret as long as Better Auth wants one to be, which signs no token',
  database: new Pool({ connectionString: settings.databaseUrl }),
  logger: { level: 'error' },
  telemetry: { enabled: false },
  experimental: { instrumentation: { enabled: false } },
  rateLimit: { enabled: false },
  advanced: { disableCSRFCheck: true, disableOriginCheck: true, ipAddress: { disableIpTracking: true } },
  plugins: [
    jwt({
      disableSettingJwtHeader: true,
      // Otherwise it reads and decrypts the key for each token.
      jwks: { disablePrivateKeyEncryption: true },
      adapter: { getJwks: async () => [signingKey] },
    }),
    provider,
  ],
}

const { runMigrations } = await getMigrations(options)
await runMigrations()
const auth = betterAuth(options)
const { adapter } = await auth.$context
await Promise.all(
  Object.entries(settings.clients).map(([clientId, key]) =>
    adapter.create({
      model: 'oauthClient',
      data: {
        clientId,
        tokenEndpointAuthMethod: 'private_key_jwt',
        jwks: JSON.stringify({ keys: [key] }),
        grantTypes: ['client_credentials'],
        clientCredentialsScopes: ['read'],
        redirectUris: [],
      },
    }),
  ),
)
const answer = toNodeHandler(auth)
createServer((request, response) => void answer(request, response)).listen(settings.port, '127.0.0.1')
