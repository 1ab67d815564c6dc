import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { trustAuthority } from '../../support/certificate-authority.ts'
import { type Deployment, type DeploymentOptions, startDeployment } from '../../support/deployment.ts'
import { installNames } from '../../support/federation/install-names.mjs'
import { createNeighbourhood } from '../../support/federation/neighbourhood.ts'
import { CLIENT, type OpenIdProvider, startOpenIdProvider } from '../../support/open-id-provider.ts'
import { expectStatus, type KeyedOperator, provenOperator } from '../../support/story.ts'
import { startTcpProxy, targetOf } from '../../support/tcp-proxy.ts'
import { type Browser, createBrowser, fieldsOf, type Place } from './browser.ts'

export const DOMAIN = 'people.example.org'
export const AUDIENCE = `https://mcp.${DOMAIN}/mcp`
/** Where the client waits for its codes. */
export const CALLBACK = 'https://client.example.org/callback'
export const LOOPBACK = 'http://127.0.0.1:5173/callback'
/** The path of the document of a client that is also on devices. */
export const DEVICE_PATH = '/oauth/device.json'
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const VERIFIER = 'v'.repeat(43)
/** A name that a client gives itself. */
export const CLAIMED = '<script>alert(1)</script> Claude'

/** A deployment with two servers, an operator with its provider, and a client. */
export interface AttackWorld {
  readonly deployment: Deployment
  readonly issuer: string
  readonly operator: KeyedOperator
  readonly provider: OpenIdProvider
  /** The redirect URI of the provider. */
  readonly providerCallback: string
  /** The URL of the client's document. */
  readonly clientId: string
  browser(): Browser
  /** The URL of an authorization request, with changed parameters. */
  authorize(changes?: Readonly<Record<string, string>>): URL
  /** Signs in, allows the client, and returns where the browser went. */
  allow(browser: Browser, changes?: Readonly<Record<string, string>>): Promise<Place>
  /** Sends a token request to one of the servers. */
  token(
    members: Readonly<Record<string, string>>,
    server?: 0 | 1,
  ): Promise<{ status: number; body: Record<string, unknown> }>
  /** Redeems a code as the client does. */
  redeem(code: string, members?: Readonly<Record<string, string>>, server?: 0 | 1): ReturnType<AttackWorld['token']>
  refresh(
    refreshToken: string,
    members?: Readonly<Record<string, string>>,
    server?: 0 | 1,
  ): ReturnType<AttackWorld['token']>
  /** Names the provider again, as the operator does after it has removed it. */
  nameProvider(): Promise<unknown>
  /** Sets the rule for users of the audience, and whether they may let devices act. */
  letUsersIn(scopes: readonly ('read' | 'write')[], device?: boolean): Promise<{ readonly status: number }>
  /** Tells whether a token is valid. */
  isValid(token: unknown): Promise<unknown>
}

/**
 * Starts the world. Everything ends with `started`.
 *
 * @param options how the servers start
 */
export async function startAttackWorld(
  started: AsyncDisposableStack,
  options: Pick<DeploymentOptions, 'env' | 'mode'> = {},
): Promise<AttackWorld> {
  started.defer(installNames())
  const around = await createNeighbourhood(started)
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  started.defer(() => proxy.close())
  const issuer = `http://localhost:${proxy.port}`
  const env = { ...around.env, AUTH4AGENT_BASE_URL: issuer, ...options.env }
  const deployment = await startDeployment({ ...options, env, dns: around.dns, issuer, instances: 2 })
  started.defer(() => deployment.stop())
  proxy.repoint(targetOf(deployment.server.baseUrl))
  trustAuthority(started, around.ca)
  const operator = await provenOperator(deployment.client, deployment.dns, DOMAIN, issuer)
  const certified = around.certify('idp.example.org')
  const provider = await startOpenIdProvider([], 'client_secret_basic', { host: 'idp.example.org', ...certified })
  started.defer(() => provider.close())
  const providerCallback = await nameProvider(deployment, operator, provider, issuer)
  expectStatus(200, await letUsersIn(deployment, operator, ['read', 'write']))
  const clientId = await startDocument(started, around.certify('client.example.org'))
  return {
    deployment,
    issuer,
    operator,
    provider,
    providerCallback,
    clientId,
    nameProvider: () => nameProvider(deployment, operator, provider, issuer),
    letUsersIn: (scopes, device) => letUsersIn(deployment, operator, scopes, device),
    ...actsOf(deployment, issuer, provider, clientId),
  }
}

function actsOf(deployment: Deployment, issuer: string, provider: OpenIdProvider, clientId: string) {
  const authorize: AttackWorld['authorize'] = (changes = {}) => {
    const usual = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: CALLBACK,
      code_challenge: sha256Text(VERIFIER, 'base64url'),
      code_challenge_method: 'S256',
      resource: AUDIENCE,
      scope: 'read',
      state: 'a state',
    }
    return new URL(`${issuer}/oauth/authorize?${new URLSearchParams({ ...usual, ...changes }).toString()}`)
  }
  const token: AttackWorld['token'] = async (members, server = 0) => {
    const response = await fetch(`${deployment.servers[server]?.baseUrl}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, ...members }),
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  return {
    authorize,
    token,
    browser: () => createBrowser(issuer, (origin) => origin === issuer || origin === provider.issuer),
    async allow(browser: Browser, changes: Readonly<Record<string, string>> = {}) {
      const place = await browser.open(authorize(changes))
      if (place.status === 0) return place
      return browser.send('/people/consent', { ...fieldsOf(place), decision: 'allow' })
    },
    redeem: (code: string, members = {}, server: 0 | 1 = 0) =>
      token(
        { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: VERIFIER, ...members },
        server,
      ),
    refresh: (refreshToken: string, members = {}, server: 0 | 1 = 0) =>
      token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...members }, server),
    async isValid(text: unknown) {
      const wanted = { token: text, audience: [AUDIENCE], scope: 'read', delegation: 'accept' }
      return expectStatus(200, await deployment.client.post('/v1/verify', wanted))['valid']
    },
  }
}

/** Returns the redirect URI, which only this provider has. */
async function nameProvider(deployment: Deployment, operator: KeyedOperator, provider: OpenIdProvider, issuer: string) {
  const path = `/v1/operators/${operator.id}/providers/work`
  const named = { issuer: provider.issuer, client_id: CLIENT.id, client_secret: CLIENT.secret, all_users: true }
  const { provider: put } = expectStatus(200, await deployment.client.signed('PUT', path, named, operator))
  const { id } = put as { id: string }
  const callback = `${issuer}/people/callback/${id}`
  await provider.allow([callback])
  return callback
}

function letUsersIn({ client }: Deployment, operator: KeyedOperator, names: readonly string[], device = false) {
  const scopes = names.map((name) => ({ name, words: `To ${name}`, is_default: name === 'read' }))
  const policy = { audiences: [{ audience: AUDIENCE, users: { domains: [DOMAIN], clients: 'any', scopes, device } }] }
  return client.signed('PUT', `/v1/operators/${operator.id}/policy`, policy, operator)
}

async function startDocument(
  started: AsyncDisposableStack,
  certified: Parameters<typeof createServer>[0],
): Promise<string> {
  const server = createServer(certified, ({ url = '', headers }, response) => {
    const document = {
      client_id: `https://${headers.host}${url}`,
      client_name: CLAIMED,
      redirect_uris: [CALLBACK, 'http://127.0.0.1/callback'],
      ...(url === DEVICE_PATH && { grant_types: ['authorization_code', DEVICE_CODE] }),
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  started.defer(() => {
    server.close().closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return `https://client.example.org:${port}/oauth/client.json`
}
