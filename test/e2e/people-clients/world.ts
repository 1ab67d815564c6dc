import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createOperator, type Operator } from '@auth4agent/sdk'
import { createKeyFile, keyFileReference, pathsIn, updateOperatorConfig } from '@auth4agent/sdk/node'
import { startExample } from '../../../clients/cli/src/demo/people/example.ts'
import { createAuthority } from '../../support/certificate-authority.ts'
import { eventually } from '../../support/eventually.ts'
import type { Environment } from '../../support/server.ts'
import { type ChromiumPage, startChromium } from '../passkeys/chromium-page.ts'
import { startTour, type Tour } from '../readme-tour/tour.ts'

/** A server of `npm start` whose operator lets people come, a program that they may allow, and their browser. */
export interface PeopleWorld {
  readonly tour: Tour
  readonly issuer: string
  readonly operator: Operator
  /** The folder with the configuration of the operator. */
  readonly folder: string
  /** An address whose users may allow `search`, and also `order`. */
  readonly audience: string
  /** A URL client with a loopback redirect, and no secret. */
  readonly clientId: string
  readonly redirectUri: string
  /** Publishes the document of another client with these members more, and returns its client id. */
  publish(name: string, members: object): string
  readonly page: ChromiumPage
  /** Opens an authorization request as Alice, and allows it. */
  agree(url: URL): Promise<void>
  /** Does the same, and resolves with the URL that the program gets. */
  allow(url: URL): Promise<URL>
  /** Asks the server whether a token is genuine, in time and not ended, whether it is bound to a key or not. */
  isValid(token: string): Promise<unknown>
  /** Waits for what the browser brings to the program next. */
  nextAnswer(): Promise<URL>
}

const DOMAIN = 'acme.test'

/** Starts the world. Everything ends with `started`. */
export async function startPeopleWorld(started: AsyncDisposableStack, env: Environment = {}): Promise<PeopleWorld> {
  const tour = await startTour(env)
  started.defer(() => tour.stop())
  const issuer = tour.adapt('http://localhost:8080')
  const folder = join(tour.folder, 'operator')
  const keyFile = pathsIn(folder).operatorKey
  const key = await createKeyFile(keyFile)
  const operator = createOperator({ server: issuer, domain: DOMAIN, key })
  await updateOperatorConfig(folder, {
    id: operator.id,
    domain: DOMAIN,
    server_url: issuer,
    issuer,
    root_public_key: Buffer.from(key.publicKey).toString('base64'),
    key: keyFileReference(folder, keyFile),
  })
  await operator.register()
  await operator.verification.confirm()
  const idp = startExample('identity-provider.mjs', [issuer], new AbortController().signal)
  started.defer(() => idp.stop())
  const { issuer: provider = '', client_id, client_secret = '' } = await idp.next()
  await operator.providers.put('work', { issuer: provider, client_id: client_id ?? '', client_secret, all_users: true })
  const audience = `https://mcp.${DOMAIN}/mcp`
  await operator.policy.set({ audiences: [{ audience, callers: [], users: USERS }] })
  const came: URL[] = []
  const callback = await listen(
    started,
    createServer((request, response) => {
      const url = new URL(request.url ?? '', redirectUri)
      if (url.pathname === '/callback') came.push(url)
      response.end('<title>Done</title>')
    }),
  )
  const redirectUri = `http://127.0.0.1:${callback}/callback`
  const published = new Map<string, object>()
  const certified = createAuthority().certify('desktop.demo.test')
  const documents = await listen(
    started,
    createTlsServer(certified, (request, response) => serve(request, response, published)),
  )
  const publish = (name: string, members: object) => {
    published.set(`/oauth/${name}.json`, members)
    return `https://desktop.demo.test:${documents}/oauth/${name}.json`
  }
  const clientId = publish('client', {})
  const page = started.use(await startChromium())
  const nextAnswer = () =>
    eventually(() => {
      const url = came.shift()
      if (url === undefined) throw new Error('The program has got no answer')
      return url
    })
  const agree = async (url: URL) => {
    await page.open(url.href)
    await page.run(`document.querySelector('a[href$="/alice"]')?.click()`)
    await eventually(async () => {
      if ((await page.run(`document.querySelector('button[value=allow]') !== null`)) !== true)
        throw new Error('No page')
    })
    await page.run(`document.querySelector('button[value=allow]').click()`)
  }
  const allow = async (url: URL) => {
    await agree(url)
    return nextAnswer()
  }
  const isValid = async (token: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ token, delegation: 'inspect' })
    const response = await fetch(`${issuer}/v1/verify`, { method: 'POST', headers, body })
    return Object(await response.json()).valid
  }
  const browser = { page, agree, allow, nextAnswer }
  return { tour, issuer, operator, folder, audience, clientId, redirectUri, publish, isValid, ...browser }
}

const USERS = {
  domains: [DOMAIN],
  clients: 'any',
  scopes: [
    { name: 'search', words: 'Search your documents', is_default: true },
    { name: 'order', words: 'Order things for you' },
  ],
}

function serve(request: IncomingMessage, response: ServerResponse, published: ReadonlyMap<string, object>): void {
  const clientId = `https://${request.headers.host}${request.url}`
  const usual = {
    client_id: clientId,
    client_name: 'Desktop',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  }
  const document = { ...usual, ...published.get(request.url ?? '') }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}

async function listen(started: AsyncDisposableStack, server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  started.defer(() => {
    server.close().closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return port
}
