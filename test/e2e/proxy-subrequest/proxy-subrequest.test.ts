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
/** Requests that the API behind the proxy has seen. */
const seen: string[] = []

/** The configuration that people are given, with the addresses of this test. */
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

/** Asks the API by way of the proxy. */
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

it('1. a good token passes, whatever the query and the case of the scheme', async () => {
  const token = await good()
  expect(await ask(`Bearer ${token}`)).toEqual({ status: 200, challenge: null, seen: ['/orders?page=1'] })
  expect(await ask(`bearer  ${token}`)).toMatchObject({ status: 200 })
})

it('2. no token, a bad one and one for another audience are 401, and the API sees no request', async () => {
  const token = await good()
  const elsewhere = await tokenFor('https://other.agents.example.com')
  for (const authorization of [undefined, 'Bearer x', `Basic ${token}`, `Bearer ${token}x`, `Bearer ${elsewhere}`])
    expect(await ask(authorization)).toEqual(REFUSED)
})

it('3. a token without the scope is 403', async () => {
  const token = await good('orders:write')
  expect(await ask(`Bearer ${token}`)).toMatchObject({ status: 403, seen: [] })
})

it('4. a header that would write into the question is refused', async () => {
  const token = await good('orders:write')
  for (const end of ['","scope":"orders:write', '","scope":"orders:write"}', '\\', ' '.repeat(3)]) {
    expect(await ask(`Bearer ${token}${end}x`)).toEqual(REFUSED)
  }
})

it('5. a token that has been revoked is 401 from the moment the revocation has returned', async () => {
  const token = await good()
  expect(await ask(`Bearer ${token}`)).toMatchObject({ status: 200 })
  expectStatus(200, await deployment.client.revokeToken(token))
  expect(await ask(`Bearer ${token}`)).toEqual(REFUSED)
})
