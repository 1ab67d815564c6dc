import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { freePort } from '../../support/free-port.ts'
import { startNginx } from '../../support/nginx.ts'
import type { AgentParty } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, provenOperator } from '../../support/story.ts'

const CONFIG = join(import.meta.dirname, '../../../deploy/nginx/auth-request.conf')
const DOMAIN = 'agents.example.com'
const API = 'https://api.agents.example.com'

const started = new AsyncDisposableStack()
let deployment: Deployment
let agent: AgentParty
let proxy: string
/** Requests that the API behind the proxy has received. */
const seen: string[] = []

/** Starts nginx with the configuration from deploy/nginx, changed only in its addresses. */
beforeAll(async () => {
  deployment = await startDeployment()
  started.defer(() => deployment.stop())
  agent = await activeAgent(deployment.client, await provenOperator(deployment.client, deployment.dns, DOMAIN), [
    'orders:read',
    'orders:write',
  ])
  const [port, apiPort] = [await freePort(), await freePort()]
  const api = createServer((request, response) => {
    seen.push(request.url ?? '')
    response.end('orders')
  }).listen(apiPort, '127.0.0.1')
  started.defer(() => void api.close())
  const config = await readFile(CONFIG, 'utf8')
  started.defer(
    await startNginx(
      config
        .replace('127.0.0.1:8000', `127.0.0.1:${port}`)
        .replace('http://127.0.0.1:3000', `http://127.0.0.1:${apiPort}`)
        .replace('http://127.0.0.1:8080', deployment.server.baseUrl)
        .replace('https://api.example.com', API)
        .replace('"example.com"', `"${DOMAIN}"`),
    ),
  )
  proxy = `http://127.0.0.1:${port}`
})
afterAll(() => started.disposeAsync())

/** Calls the API through the proxy. */
async function ask(authorization: string | undefined, path = '/orders?page=1') {
  seen.length = 0
  const headers = authorization === undefined ? {} : { authorization }
  const answer = await fetch(proxy + path, { headers })
  await answer.text()
  return { status: answer.status, challenge: answer.headers.get('www-authenticate'), seen: [...seen] }
}

const tokenFor = async (audience: string, scope = 'orders:read') =>
  String((await issueToken(deployment.client, agent, { scope, audience })).token)
const good = (scope?: string) => tokenFor(API, scope)
const REFUSED = { status: 401, challenge: 'Bearer realm="auth4agent", error="invalid_token"', seen: [] }

it('1. the proxy lets a valid token pass, with any query and any case of the scheme', async () => {
  const token = await good()
  expect(await ask(`Bearer ${token}`)).toEqual({ status: 200, challenge: null, seen: ['/orders?page=1'] })
  expect(await ask(`bearer  ${token}`)).toMatchObject({ status: 200 })
})

it('2. the proxy answers 401 to a token that is missing, malformed or of another server, and the API gets no request', async () => {
  const token = await good()
  const elsewhere = await tokenFor('https://other.agents.example.com')
  for (const authorization of [undefined, 'Bearer x', `Basic ${token}`, `Bearer ${token}x`, `Bearer ${elsewhere}`])
    expect(await ask(authorization)).toEqual(REFUSED)
})

it('3. the proxy answers 403 to a token without the scope', async () => {
  const token = await good('orders:write')
  expect(await ask(`Bearer ${token}`)).toMatchObject({ status: 403, seen: [] })
})

it('4. the proxy refuses a header that would inject JSON into the verification request', async () => {
  const token = await good('orders:write')
  for (const end of ['","scope":"orders:write', '","scope":"orders:write"}', '\\', ' '.repeat(3)]) {
    expect(await ask(`Bearer ${token}${end}x`)).toEqual(REFUSED)
  }
})

it('5. the proxy answers 401 to a revoked token as soon as the revocation has returned', async () => {
  const token = await good()
  expect(await ask(`Bearer ${token}`)).toMatchObject({ status: 200 })
  expectStatus(200, await deployment.client.revokeToken(token))
  expect(await ask(`Bearer ${token}`)).toEqual(REFUSED)
})
