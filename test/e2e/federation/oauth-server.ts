import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { deflateSync } from 'node:zlib'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Provider } from 'oidc-provider'
import type { Federation } from '../../support/federation/deployments.ts'
import { startTlsFront, type TlsFront } from '../../support/federation/tls-front.ts'

/** An OAuth server of another product, which issues JWT access tokens (RFC 9068). */
export interface OAuthServer {
  readonly issuer: string
  readonly jwksUri: string
  readonly introspectionUri: string
  readonly front: TlsFront
  /** Gets an access token for a resource, by client_credentials. */
  token(resource: string): Promise<string>
  /** Lets the introspection endpoint answer that no token is active. */
  endAll(): void
  /** Sets the status of all tokens in the status list. Each token has a place of its own there. */
  setStatus(status: number): void
  close(): Promise<void>
}

/** The client that gets tokens, and the client that introspects. A secret has characters that need encoding. */
const CLIENT = { client_id: 'courier', client_secret: 'a secret with 32 characters: %+/' }
/** The path of the status list, and for how many seconds a copy of it counts. */
const LIST = '/lists/1'
export const LIST_TTL_S = 3
export const INTROSPECTOR = { id: 'beta deployment', secret: 'another secret of 32 chars: %+/&' }

/**
 * Starts oidc-provider with ES256. Tokens live for this many seconds. Its own endpoint introspects no JWTs, so another
 * one stands beside it (RFC 7662).
 */
export async function startOAuthServer(federation: Federation, host: string, ttlS: number): Promise<OAuthServer> {
  const { port, ...certified } = await federation.place(host)
  const issuer = `https://${host}:${port}`
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const answer = (await createProvider(issuer, ttlS, privateKey)).callback()
  let isActive = true
  let status = 0
  const server = createServer((request, response) => {
    if (request.url === '/introspect') void introspect(request, response, isActive)
    else if (request.url === LIST) void sendList(response, `${issuer}${LIST}`, status, privateKey)
    else void answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: inside } = server.address() as AddressInfo
  const baseUrl = `http://127.0.0.1:${inside}`
  const front = await startTlsFront(port, certified, new URL(baseUrl))
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    introspectionUri: `${issuer}/introspect`,
    front,
    endAll() {
      isActive = false
    },
    setStatus(next) {
      status = next
    },
    async token(resource) {
      const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'read', resource })
      const headers = { authorization: basic(CLIENT.client_id, CLIENT.client_secret) }
      const response = await fetch(`${baseUrl}/token`, { method: 'POST', headers, body })
      const { access_token: token }: { access_token?: string } = JSON.parse(await response.text())
      if (token === undefined) throw new Error(`oidc-provider answered ${response.status} without a token`)
      return token
    },
    async close() {
      await front.cut()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function createProvider(issuer: string, ttlS: number, privateKey: CryptoKey): Promise<Provider> {
  let idx = 0
  const key = { ...(await exportJWK(privateKey)), kid: 'key:1', alg: 'ES256', use: 'sig' }
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    clients: [{ ...CLIENT, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: 'read' }],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['read'],
    ttl: { ClientCredentials: ttlS },
    extraTokenClaims() {
      idx += 1
      return { status: { status_list: { idx, uri: `${issuer}${LIST}` } } }
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo: (_, audience) => ({
          scope: 'read',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  })
  // The proxy that terminates TLS stands before it.
  provider.proxy = true
  return provider
}

/** Signs a list of 1,024 places of 2 bits with jose. It may be kept for a few seconds. */
async function sendList(response: ServerResponse, uri: string, status: number, key: CryptoKey): Promise<void> {
  const bytes = new Uint8Array(256).fill(status * 0b01010101)
  const list = { bits: 2, lst: deflateSync(bytes, { level: 9 }).toString('base64url') }
  const text = await new SignJWT({ ttl: LIST_TTL_S, status_list: list })
    .setProtectedHeader({ alg: 'ES256', kid: 'key:1', typ: 'statuslist+jwt' })
    .setSubject(uri)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key)
  response.writeHead(200, { 'content-type': 'application/statuslist+jwt' }).end(text)
}

/** Answers with what RFC 7662 section 2.2 demands, to the client with the right secret only. */
async function introspect(request: IncomingMessage, response: ServerResponse, isActive: boolean): Promise<void> {
  const form = new URLSearchParams(await text(request))
  const isKnown = request.headers.authorization === basic(INTROSPECTOR.id, INTROSPECTOR.secret)
  const body = isKnown ? { active: isActive && form.has('token') } : { error: 'invalid_client' }
  response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Encodes id and secret as RFC 6749 section 2.3.1 demands. */
function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`
}
