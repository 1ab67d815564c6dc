import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { Provider } from 'oidc-provider'
import type { Certified } from './certificate-authority.ts'

/** An OpenID provider of another product, at which everybody is signed in at once. */
export interface OpenIdProvider {
  readonly issuer: string
  /** The claims of the person who signs in, besides `sub`. */
  claims: Readonly<Record<string, unknown>>
  /** `sub` of the person who signs in. */
  sub: string
  /**
   * Lets the client use these redirect URIs. All sessions at the provider end.
   *
   * @param logoutUri where the provider sends its logout tokens
   */
  allow(redirectUris: readonly string[], logoutUri?: string): Promise<void>
  /** Runs when the provider has used up a refresh token, and before it sends the next one. */
  whenRotated: () => void
  /** Ends all grants, as an administrator of the provider does who takes a program away from a person. */
  endGrants(): Promise<void>
  /** Signs claims by the key of the provider. */
  sign(claims: Readonly<Record<string, unknown>>, typ: string): Promise<string>
  close(): Promise<void>
}

/** The client that the deployment is at the provider. The secret has characters that need encoding. */
export const CLIENT = { id: 'auth4agent', secret: 'a secret with 32 characters: %+/' }

/** Starts oidc-provider on this machine: with http at a name under `.test`, or with a certificate for a host. */
export async function startOpenIdProvider(
  redirectUris: readonly string[],
  authMethod: 'client_secret_basic' | 'client_secret_post' = 'client_secret_basic',
  certified?: Certified & { readonly host: string },
): Promise<OpenIdProvider> {
  const listener = (request: IncomingMessage, response: ServerResponse) => void answer(request, response)
  const server = certified === undefined ? createServer(listener) : createTlsServer(certified, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const person = { sub: 'alice', claims: {}, whenRotated() {} }
  const issuer = certified === undefined ? `http://idp.test:${port}` : `https://${certified.host}:${port}`
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const made = { issuer, person, authMethod, jwk: { ...(await exportJWK(privateKey)), ...KEY } }
  const grants = new Set<string>()
  const create = (uris: readonly string[], logoutUri?: string) => {
    const created = createProvider(made, uris, logoutUri)
    created.on('refresh_token.consumed', () => person.whenRotated())
    created.on('refresh_token.saved', ({ grantId }) => grantId !== undefined && grants.add(grantId))
    return created
  }
  let provider = create(redirectUris)
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/login/')) return provider.callback()(request, response)
    await provider.interactionFinished(request, response, { login: { accountId: person.sub } })
  }
  return Object.assign(person, {
    issuer,
    async allow(uris: readonly string[], logoutUri?: string) {
      provider = create(uris, logoutUri)
    },
    async endGrants() {
      for (const id of grants) await (await provider.Grant.find(id))?.destroy()
    },
    sign: (claims: Readonly<Record<string, unknown>>, typ: string) =>
      new SignJWT({ ...claims }).setProtectedHeader({ typ, alg: KEY.alg, kid: KEY.kid }).sign(privateKey),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

const KEY = { kid: 'key-1', alg: 'ES256', use: 'sig' } as const

interface Made {
  readonly issuer: string
  readonly person: Pick<OpenIdProvider, 'claims' | 'sub'>
  readonly authMethod: 'client_secret_basic' | 'client_secret_post'
  readonly jwk: JWK
}

function createProvider(
  { issuer, person, authMethod, jwk }: Made,
  redirectUris: readonly string[],
  logoutUri?: string,
): Provider {
  return new Provider(issuer, {
    jwks: { keys: [jwk] },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [...redirectUris],
        token_endpoint_auth_method: authMethod,
        grant_types: ['authorization_code', 'refresh_token'],
        ...(logoutUri !== undefined && {
          backchannel_logout_uri: logoutUri,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    // Its own way refuses addresses of this machine.
    fetch: (url, { signal = null, method = 'GET', headers = {}, body = null } = {}) =>
      fetch(url, { signal, method, headers, body }),
    // Also without the scope offline_access, for which this product wants a page of consent each time.
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    claims: { openid: ['sub'], profile: ['name', 'groups', 'hd'], email: ['email'] },
    // Otherwise ID tokens have only `sub`, and other claims are at the userinfo endpoint.
    conformIdTokenClaims: false,
    cookies: { keys: ['key'] },
    interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...person.claims }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        ...(oidc.client && { clientId: oidc.client.clientId }),
        ...(oidc.session?.accountId !== undefined && { accountId: oidc.session.accountId }),
      })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  })
}

/**
 * Follows redirects like a browser, from a URL to the first one with another origin, and returns that one.
 *
 * @param from a URL whose host means this machine
 */
export async function followTo(from: string): Promise<URL> {
  const jar = new Map<string, string>()
  let url = new URL(from)
  const { origin } = url
  while (url.origin === origin) {
    const { headers } = await getFrom(url, [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    for (const cookie of headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      jar.set(name, value)
    }
    if (headers.location === undefined) throw new Error(`${url.href} did not redirect`)
    url = new URL(headers.location, url)
  }
  return url
}

async function getFrom(url: URL, cookie: string): Promise<IncomingMessage> {
  const { host, port, pathname, search } = url
  const options = { host: '127.0.0.1', port, path: `${pathname}${search}`, headers: { host, cookie }, agent: false }
  const [response]: IncomingMessage[] = await once(httpRequest(options).end(), 'response')
  if (response === undefined) throw new Error(`${url.href} did not answer`)
  response.resume()
  return response
}
