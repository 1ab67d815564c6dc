import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import {
  discoverAuthorizationServerMetadata,
  type OAuthClientProvider,
  refreshAuthorization,
  startAuthorization,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import axe from 'axe-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certified, trustAuthority } from '../../support/certificate-authority.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { eventually } from '../../support/eventually.ts'
import { installNames } from '../../support/federation/install-names.mjs'
import { createNeighbourhood } from '../../support/federation/neighbourhood.ts'
import { freePort } from '../../support/free-port.ts'
import { CLIENT, type OpenIdProvider, startOpenIdProvider } from '../../support/open-id-provider.ts'
import { expectStatus, type KeyedOperator, provenOperator } from '../../support/story.ts'
import { startTcpProxy, targetOf } from '../../support/tcp-proxy.ts'
import { type ChromiumPage, startChromium } from '../passkeys/chromium-page.ts'
import { type RunningMcpServer, startMcpServer } from './mcp-server.ts'

const DOMAIN = 'people.example.org'
/** A folder for pictures of the pages, for people who want to look at them. */
const PICTURES = process.env['AUTH4AGENT_PICTURES_DIR']

const started = new AsyncDisposableStack()
let deployment: Deployment
let issuer: string
let operator: KeyedOperator
let provider: OpenIdProvider
let page: ChromiumPage
let mcp: RunningMcpServer
/** The URL of the client's document. */
let clientId: string
/** Where the client waits for its code, and what has come. */
let callback: { readonly url: string; readonly came: URL[] }

beforeAll(async () => {
  started.defer(installNames())
  const neighbourhood = await createNeighbourhood(started)
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: 0 })
  started.defer(() => proxy.close())
  issuer = `http://localhost:${proxy.port}`
  const env = { ...neighbourhood.env, AUTH4AGENT_BASE_URL: issuer, AUTH4AGENT_OPEN_REGISTRATION: 'on' }
  deployment = await startDeployment({ env, dns: neighbourhood.dns, issuer })
  started.defer(() => deployment.stop())
  proxy.repoint(targetOf(deployment.server.baseUrl))
  operator = await provenOperator(deployment.client, deployment.dns, DOMAIN, issuer)
  trustAuthority(started, neighbourhood.ca)
  mcp = await startMcpServer(issuer, operator, (host) => neighbourhood.certify(host))
  started.defer(() => mcp.stop())
  callback = await startCallback()
  clientId = await startDocument(neighbourhood.certify('client.example.org'))
  provider = await nameProvider(neighbourhood.certify('idp.example.org'))
  started.defer(() => provider.close())
  await letUsersIn()
  page = await startChromium(['--host-resolver-rules=MAP *.example.org 127.0.0.1', '--ignore-certificate-errors'])
  started.use(page)
  await page.send('Page.enable')
})
afterAll(() => started.disposeAsync())

/** Receives codes as a program on the computer of the user. */
async function startCallback(): Promise<typeof callback> {
  const port = await freePort()
  const came: URL[] = []
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '', `http://127.0.0.1:${port}`)
    // A browser also asks for an icon.
    if (url.pathname === '/callback') came.push(url)
    response.end('<title>Done</title>')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  started.defer(() => {
    server.close().closeAllConnections()
  })
  return { url: `http://127.0.0.1:${port}/callback`, came }
}

/** Publishes the document of the client, as its maker does. Returns its URL. */
async function startDocument(certified: Certified): Promise<string> {
  const port = await freePort()
  const url = `https://client.example.org:${port}/oauth/client.json`
  const document = { client_id: url, client_name: 'Example Desktop', redirect_uris: ['http://127.0.0.1/callback'] }
  const server = createTlsServer(certified, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  started.defer(() => {
    server.close().closeAllConnections()
  })
  return url
}

/** Names the provider of the operator. Only then it knows to which address it sends people back. */
async function nameProvider(certified: Certified): Promise<OpenIdProvider> {
  const idp = await startOpenIdProvider([], 'client_secret_basic', { host: 'idp.example.org', ...certified })
  const path = `/v1/operators/${operator.id}/providers/work`
  const named = { issuer: idp.issuer, client_id: CLIENT.id, client_secret: CLIENT.secret, all_users: true }
  const { provider: put } = expectStatus(200, await deployment.client.signed('PUT', path, named, operator))
  const { id } = put as { id: string }
  await idp.allow([`${issuer}/people/callback/${id}`])
  idp.claims = { name: 'Alice Example' }
  return idp
}

async function letUsersIn(): Promise<void> {
  const scopes = [
    { name: 'whoami', words: 'See who you are', is_default: true },
    { name: 'order', words: 'Order things for you' },
  ]
  const users = { domains: [DOMAIN], clients: 'any', scopes }
  const policy = { audiences: [{ audience: mcp.url, users }] }
  const path = `/v1/operators/${operator.id}/policy`
  expectStatus(200, await deployment.client.signed('PUT', path, policy, operator))
}

/**
 * A client of the MCP SDK that keeps everything in memory.
 *
 * @param clientMetadataUrl its document; without one, it registers itself
 */
function memoryProvider(scope?: string, clientMetadataUrl?: string) {
  let tokens: OAuthTokens | undefined
  let information: OAuthClientInformationMixed | undefined
  let verifier = ''
  const opened: URL[] = []
  const provider: OAuthClientProvider = {
    redirectUrl: callback.url,
    ...(clientMetadataUrl !== undefined && { clientMetadataUrl }),
    clientMetadata: {
      client_name: 'Example Terminal',
      redirect_uris: [callback.url],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(scope !== undefined && { scope }),
    },
    clientInformation: () => information,
    saveClientInformation(given) {
      information = given
    },
    tokens: () => tokens,
    saveTokens(given) {
      tokens = given
    },
    redirectToAuthorization(url) {
      opened.push(url)
    },
    saveCodeVerifier(given) {
      verifier = given
    },
    codeVerifier: () => verifier,
  }
  return { provider, opened, tokens: () => tokens, information: () => information }
}

async function metadata() {
  const found = await discoverAuthorizationServerMetadata(issuer)
  if (found === undefined) throw new Error('The issuer has no metadata')
  return found
}

/** Waits for what the browser brings to the client next. */
function nextCode(): Promise<URLSearchParams> {
  return eventually(() => {
    const url = callback.came.shift()
    if (url === undefined) throw new Error('Nothing has come')
    return url.searchParams
  })
}

const picture = async (name: string) => {
  if (PICTURES !== undefined) await writeFile(join(PICTURES, `${name}.png`), await page.picture())
}
const text = async () => String(await page.run('document.body.innerText'))

/** Expects that axe finds nothing, with both colour schemes, also on a narrow screen, where nothing may scroll. */
async function expectAccessible(name: string): Promise<void> {
  for (const scheme of ['light', 'dark']) {
    for (const width of [1_000, 320]) {
      await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
      await page.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false })
      const found = await page.run(
        `${axe.source};axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`,
      )
      expect(found, `${name}, ${scheme}, ${width}`).toEqual([])
      expect(await page.run('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      await picture(`${name}-${scheme}-${width}`)
    }
  }
}

/** Asks the server about a token, as an online verifier does. */
async function isValid(token: string) {
  const wanted = { token, audience: [mcp.url], scope: 'whoami', delegation: 'accept' }
  return expectStatus(200, await deployment.client.post('/v1/verify', wanted))['valid']
}

describe('a client of the MCP SDK without any configuration', () => {
  const memory = () => state
  let state: ReturnType<typeof memoryProvider>
  let client: Client

  it('is sent to the page of consent, where the person sees who wants what', async () => {
    state = memoryProvider('whoami order', clientId)
    const transport = new StreamableHTTPClientTransport(new URL(mcp.url), { authProvider: state.provider })
    client = new Client({ name: 'desktop', version: '1.0.0' })
    await expect(client.connect(transport)).rejects.toThrow('Unauthorized')
    const [url] = memory().opened
    expect(url?.origin).toBe(issuer)
    await page.open(String(url))
    const shown = await text()
    expect(shown).toContain('client.example.org')
    expect(shown).toContain('May this program act for you?')
    expect(shown).toContain('Example Desktop')
    expect(shown).toContain('Nobody has verified this name')
    expect(shown).toContain('See who you are')
    expect(shown).toContain('Alice Example')
    expect(shown).toContain('The answer goes to a program on this computer')
    await expectAccessible('consent')
  })

  it('gets its code when the person allows it, and calls a tool for the person', async () => {
    await page.click('button[value=allow]')
    const answer = await nextCode()
    expect(answer.get('iss')).toBe(issuer)
    const transport = new StreamableHTTPClientTransport(new URL(mcp.url), { authProvider: state.provider })
    await transport.finishAuth(answer.get('code') ?? '')
    await client.connect(transport)
    expect(await client.callTool({ name: 'whoami' })).toEqual({
      content: [{ type: 'text', text: expect.stringMatching(/^user:[\w-]{22} by https:\/\/client\.example\.org/) }],
    })
    expect(state.tokens()).toMatchObject({
      token_type: 'Bearer',
      scope: 'whoami',
      refresh_token: expect.any(String),
    })
    await client.close()
  })

  it('asks for a scope more, which the person may leave out', async () => {
    const { authorizationUrl } = await startAuthorization(issuer, {
      metadata: await metadata(),
      clientInformation: { client_id: clientId },
      redirectUrl: callback.url,
      scope: 'whoami order',
      resource: new URL(mcp.url),
    })
    await page.open(String(authorizationUrl))
    expect(await text()).toContain('Order things for you')
    await expectAccessible('consent-more')
    await page.run(`document.querySelector('input[type=checkbox]').click()`)
    await page.click('button[value=allow]')
    const code = await nextCode()
    expect(code.get('error')).toBeNull()
    const path = `/v1/operators/${operator.id}/consents`
    const { consents } = expectStatus(200, await deployment.client.get(path, operator))
    expect(consents).toMatchObject([{ client_id: clientId, capabilities: [`${mcp.url}#whoami`] }])
  })

  it('learns that the person refuses', async () => {
    const { authorizationUrl } = await startAuthorization(issuer, {
      metadata: await metadata(),
      clientInformation: { client_id: clientId },
      redirectUrl: callback.url,
      resource: new URL(mcp.url),
      state: 'a state',
    })
    await page.open(String(authorizationUrl))
    await page.click('button[value=refuse]')
    const answer = await nextCode()
    expect(Object.fromEntries(answer)).toMatchObject({ error: 'access_denied', state: 'a state', iss: issuer })
  })

  it('gets a new token without the person, until the person ends it: then no token is valid', async () => {
    const { refresh_token: refreshToken = '', access_token: first = '' } = state.tokens() ?? {}
    const found = await metadata()
    const refresh = () =>
      refreshAuthorization(issuer, {
        metadata: found,
        clientInformation: { client_id: clientId },
        refreshToken,
        resource: new URL(mcp.url),
      })
    const { access_token: second } = await refresh()
    expect([await isValid(first), await isValid(second)]).toEqual([true, true])
    await page.open(`${issuer}/people/acting`)
    expect(await text()).toContain(new URL(clientId).host)
    await expectAccessible('acting')
    await page.click('section button')
    expect([await isValid(first), await isValid(second)]).toEqual([false, false])
    // The page that says so leads back to the list.
    await eventually(async () => expect(await text()).toContain('No program acts for you'))
    await expect(refresh()).rejects.toThrow('The connection has ended')
  })
})

describe('a client of the MCP SDK that has no document', () => {
  const name = { name: 'terminal', version: '1.0.0' }
  const transportOf = ({ provider: authProvider }: ReturnType<typeof memoryProvider>) =>
    new StreamableHTTPClientTransport(new URL(mcp.url), { authProvider })
  let state: ReturnType<typeof memoryProvider>

  it('registers itself, and the page says that nobody has verified it', async () => {
    state = memoryProvider('whoami')
    await expect(new Client(name).connect(transportOf(state))).rejects.toThrow('Unauthorized')
    expect(state.information()).toMatchObject({
      client_id: expect.stringMatching(/^reg_/),
      client_name: 'Example Terminal',
    })
    await page.open(String(state.opened[0]))
    const shown = await text()
    expect(shown).toContain('A program on your computer')
    expect(shown).toContain('Example Terminal')
    expect(shown).toContain('This program has registered itself, and nobody has verified who made it')
    expect(shown).toContain('Any program here can claim this name')
    await expectAccessible('consent-registered')
  })

  it('gets its code when the person allows it, and calls a tool for the person', async () => {
    await page.click('button[value=allow]')
    const transport = transportOf(state)
    await transport.finishAuth((await nextCode()).get('code') ?? '')
    const client = new Client(name)
    await client.connect(transport)
    expect(await client.callTool({ name: 'whoami' })).toEqual({
      content: [{ type: 'text', text: expect.stringMatching(/^user:[\w-]{22} by reg_/) }],
    })
    await client.close()
  })

  it('is in the list of the operator, and on the page of the person, who ends it', async () => {
    const { access_token: token = '' } = state.tokens() ?? {}
    const path = `/v1/operators/${operator.id}/consents`
    const { consents } = expectStatus(200, await deployment.client.get(path, operator))
    const { client_id } = state.information() ?? {}
    const redirect_hosts = ['http://127.0.0.1']
    expect(consents).toMatchObject([{ client_id, client_name: 'Example Terminal', redirect_hosts }])
    expect(await isValid(token)).toBe(true)
    await page.open(`${issuer}/people/acting`)
    const shown = await text()
    expect(shown).toContain('A program on your computer')
    expect(shown).toContain('Example Terminal')
    expect(shown).not.toContain('reg_')
    await expectAccessible('acting-registered')
    await page.click('section button')
    expect(await isValid(token)).toBe(false)
  })
})
