import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { boundHeaders, boundToken } from '../../support/envoy/bound-token.ts'
import { type AgentParty, newKeys } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, provenOperator } from '../../support/story.ts'

const DOMAIN = 'agents.example.com'
const API = 'https://api.agents.example.com'
/** What a proxy says about the original request, in each of the two groups of headers. */
const ORIGINAL = { 'x-original-method': 'GET', 'x-original-url': `${API}/orders?page=1` }
const FORWARDED = {
  'x-forwarded-method': 'GET',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'api.agents.example.com',
  'x-forwarded-uri': '/orders?page=1',
}

let deployment: Deployment
let agent: AgentParty
let operatorId: string

beforeAll(async () => {
  deployment = await startDeployment({ env: { AUTH4AGENT_TRUSTED_PROXIES: '127.0.0.1' } })
  const operator = await provenOperator(deployment.client, deployment.dns, DOMAIN)
  operatorId = operator.id
  agent = await activeAgent(deployment.client, operator, ['read', 'write'])
})
afterAll(() => deployment?.stop())

type Sent = Readonly<Record<string, string | readonly string[]>>

/** Asks as a proxy does. Unlike fetch, this sends every header as it is given. */
function ask(headers: Sent, query = `audience=${encodeURIComponent(API)}&scope=read`, method = 'GET') {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number
    reason: string | undefined
    headers: Readonly<Record<string, unknown>>
  }>()
  const url = `${deployment.server.baseUrl}/v1/authz?${query}`
  const request = httpRequest(url, { method, headers: headers as Record<string, string> }, (response) => {
    response.resume().once('end', () => {
      const reason = response.headers['x-auth4agent-reason']
      resolve({ status: response.statusCode ?? 0, reason: String(reason ?? ''), headers: response.headers })
    })
  })
  request.once('error', reject).end()
  return promise
}

const bearer = async (scope = 'read', audience = API) =>
  `Bearer ${String((await issueToken(deployment.client, agent, { scope, audience })).token)}`

it('1. a valid token passes, and the headers for the API tell about its caller', async () => {
  const authorization = await bearer()
  const passed = await ask({ authorization })
  expect(passed).toMatchObject({ status: 204, reason: '' })
  expect(passed.headers).toMatchObject({
    'x-auth4agent-subject': agent.did,
    'x-auth4agent-operator': operatorId,
    'x-auth4agent-domain': DOMAIN,
    'x-auth4agent-scope': 'read',
    'x-auth4agent-actor': '',
    'x-auth4agent-expires': expect.stringMatching(/^\d{10}$/),
  })
  expect(await ask({ authorization }, undefined, 'HEAD')).toMatchObject({ status: 204 })
  const without = await ask({ authorization }, `audience=${encodeURIComponent(API)}&forward_token=false`)
  expect(without.headers).toMatchObject({ authorization: '', dpop: '' })
})

it('2. a missing, foreign or too weak token is refused with a challenge', async () => {
  const metadata = `${API}/.well-known/oauth-protected-resource`
  const query = `audience=${encodeURIComponent(API)}&scope=write&resource_metadata=${encodeURIComponent(metadata)}`
  const hints = `scope="write", resource_metadata="${metadata}"`
  expect(await ask({}, query)).toMatchObject({
    status: 401,
    reason: 'AUTHORIZATION_MISSING',
    headers: { 'www-authenticate': `Bearer realm="auth4agent", ${hints}` },
  })
  expect(await ask({ authorization: await bearer('read') }, query)).toMatchObject({
    status: 403,
    reason: 'SCOPE_MISSING',
    headers: { 'www-authenticate': `Bearer realm="auth4agent", error="insufficient_scope", ${hints}` },
  })
  const elsewhere = { authorization: await bearer('read', 'https://other.agents.example.com') }
  expect(await ask(elsewhere)).toMatchObject({ status: 401, reason: 'AUDIENCE_MISMATCH' })
})

it('3. a mistake in the query refuses every request', async () => {
  const authorization = await bearer()
  const refusals = {
    '': 'AUDIENCE_NOT_DEMANDED',
    'scope=read': 'AUDIENCE_NOT_DEMANDED',
    'audience=': 'EXTENSION_INVALID',
    [`audience=${API}&scope`]: 'EXTENSION_INVALID',
    [`audience=${API}&audience=${API}`]: 'EXTENSION_REPEATED',
    [`audience=${API}&Scope=read`]: 'EXTENSION_UNKNOWN',
    [`audience=${API}&access_token=x`]: 'EXTENSION_UNKNOWN',
    [`audience=${API}&scope=%ff`]: 'EXTENSION_UNREADABLE',
  }
  for (const [query, reason] of Object.entries(refusals))
    expect(await ask({ authorization }, query)).toMatchObject({ status: 403, reason })
})

it('4. headers that a client must not send are refused', async () => {
  const authorization = await bearer()
  const told = {
    'X-Auth4Agent-Subject': 'x',
    x_auth4agent_subject: 'x',
    'x-auth4agent_new': 'x',
    'x.auth4agent.jti': 'x',
  }
  for (const [name, value] of Object.entries(told))
    expect(await ask({ authorization, [name]: value })).toMatchObject({ status: 403, reason: 'CLIENT_HEADER_REFUSED' })
  const twice = { authorization: [authorization, 'Bearer x'] }
  expect(await ask(twice)).toMatchObject({ status: 401, reason: 'AUTHORIZATION_REPEATED' })
  // Node would drop the headers after the 100th, and the proxy would still forward them to the API.
  const many = Object.fromEntries(Array.from({ length: 97 }, (_, place) => [`a-${place}`, '']))
  expect(await ask({ authorization, ...many, 'x-auth4agent-subject': 'x' })).toMatchObject({ status: 431 })
})

it('5. a bound token passes only with a proof for the original method and URL', async () => {
  const keys = newKeys()
  const token = await boundToken(deployment.client, deployment.server.baseUrl, agent, keys, {
    scope: 'read',
    audience: API,
  })
  const proven = (htu = `${API}/orders`, htm = 'GET') => boundHeaders(keys, token, htu, htm)
  expect(await ask({ ...proven(), ...ORIGINAL })).toMatchObject({ status: 204 })
  expect(await ask({ ...proven(), ...FORWARDED })).toMatchObject({ status: 204 })
  // A proof counts once for each process that verifies.
  const again = { ...proven(), ...ORIGINAL }
  const answers: (string | undefined)[] = []
  for (let times = 0; times <= deployment.processes.authn.length; times += 1) answers.push((await ask(again)).reason)
  expect(answers).toContain('PROOF_REPLAYED')
  expect(new Set(answers)).toEqual(new Set([answers[0], 'PROOF_REPLAYED']))
  const refusals: [Sent, number, string][] = [
    [{ authorization: `Bearer ${token}` }, 401, 'PROOF_REQUIRED'],
    [proven(), 403, 'REQUEST_URL_UNKNOWN'],
    [{ ...proven(`${API}/others`), ...ORIGINAL }, 401, 'PROOF_INVALID'],
    [{ ...proven(undefined, 'POST'), ...ORIGINAL }, 401, 'PROOF_INVALID'],
    [{ ...proven(), ...ORIGINAL, 'x-forwarded-method': 'POST' }, 403, 'ORIGINAL_REQUEST_UNCLEAR'],
    [{ ...proven(), ...ORIGINAL, 'x-original-url': `${API}/orders%2f1` }, 403, 'PATH_REFUSED'],
  ]
  for (const [headers, status, reason] of refusals) expect(await ask(headers)).toMatchObject({ status, reason })
})

it('6. a revoked token is refused as soon as its revocation has returned', async () => {
  const authorization = await bearer()
  expect(await ask({ authorization })).toMatchObject({ status: 204 })
  expectStatus(200, await deployment.client.revokeToken(authorization.slice('Bearer '.length)))
  expect(await ask({ authorization })).toMatchObject({ status: 401, reason: 'TOKEN_REVOKED' })
})
