import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Client, credentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import {
  Authorization,
  CheckRequestSchema,
  CheckResponseSchema,
} from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { type Deployment, startDeployment } from '../../support/deployment.ts'
import { boundHeaders, boundToken } from '../../support/envoy/bound-token.ts'
import { type AgentParty, newKeys } from '../../support/parties.ts'
import { activeAgent, expectStatus, issueToken, type OperatorParty, provenOperator } from '../../support/story.ts'
import { checkClient } from './check-client.ts'
import { recordedCheck } from './recorded-checks.ts'

const DOMAIN = 'agents.example.com'
const HOST = 'api.agents.example.com'
const API = `https://${HOST}`
const ROUTE = { audience: API, scope: 'read' }

const same = (bytes: Buffer) => bytes

let deployment: Deployment
let operator: OperatorParty
let agent: AgentParty
let envoy: ReturnType<typeof checkClient>

beforeAll(async () => {
  deployment = await startDeployment()
  operator = await provenOperator(deployment.client, deployment.dns, DOMAIN)
  agent = await activeAgent(deployment.client, operator)
  envoy = checkClient(deployment.server.grpcAddress)
})
afterAll(async () => {
  envoy?.close()
  await deployment?.stop()
})

const bearer = async () => {
  const { token } = await issueToken(deployment.client, agent, { scope: 'read', audience: API })
  return `Bearer ${String(token)}`
}

it('1. Envoy lets a valid token pass, and tells the API who calls', async () => {
  const check = recordedCheck(ROUTE, { authorization: await bearer(), x_auth4agent_jti: 'x' }, { host: HOST })
  const passed = await envoy.outcome(check)
  expect(passed).toMatchObject({
    status: undefined,
    headers: {
      'x-auth4agent-subject': agent.did,
      'x-auth4agent-operator': operator.id,
      'x-auth4agent-domain': DOMAIN,
      'x-auth4agent-scope': 'read',
    },
    removed: ['x-auth4agent-actor', 'x_auth4agent_jti'],
    metadata: { fields: { sub: { stringValue: agent.did }, exp: { numberValue: expect.any(Number) } } },
  })
  const bytes = Object.entries(check.attributes.request.http.headers).map(([key, value]) => ({
    key,
    raw_value: Buffer.from(value),
  }))
  const raw = recordedCheck(ROUTE, {}, { host: HOST, headers: {}, header_map: { headers: bytes } })
  expect(await envoy.outcome(raw)).toEqual(passed)
})

it('2. Envoy refuses requests that are not clear, and routes without demands', async () => {
  const authorization = await bearer()
  const outcome = (http: object, route: object = ROUTE, headers: Record<string, string> = {}) =>
    envoy.outcome(recordedCheck(route, { authorization, ...headers }, { host: HOST, ...http }))
  expect(await outcome({ protocol: 'HTTP/1.0' })).toMatchObject({ status: 403, reason: 'PROTOCOL_REFUSED' })
  expect(await outcome({ path: '/a%2fb' })).toMatchObject({ status: 403, reason: 'PATH_REFUSED' })
  expect(await outcome({}, {})).toMatchObject({ status: 403, reason: 'AUDIENCE_NOT_DEMANDED' })
  expect(await outcome({}, { ...ROUTE, x: '1' })).toMatchObject({ status: 403, reason: 'EXTENSION_UNKNOWN' })
  expect(await outcome({}, ROUTE, { authorization: `${authorization},${authorization}` })).toMatchObject({
    status: 401,
  })
  const large = await outcome({}, ROUTE, { cookie: 'a'.repeat(65_536) })
  expect(large).toMatchObject({ status: 403, reason: 'HEADER_TOO_LARGE', removed: [] })
})

it('3. Envoy lets a bound token pass only with a proof for method, scheme, host and path', async () => {
  const keys = newKeys()
  const wishes = { scope: 'read', audience: API }
  const token = await boundToken(deployment.client, deployment.server.baseUrl, agent, keys, wishes)
  const outcome = (htu: string, http: object = {}) =>
    envoy.outcome(recordedCheck(ROUTE, boundHeaders(keys, token, htu), { host: HOST, path: '/orders?a=1', ...http }))
  expect(await outcome(`${API}/orders`)).toMatchObject({ status: undefined })
  expect(await outcome(`${API}:443/orders`, { host: `${HOST}:443` })).toMatchObject({ status: undefined })
  for (const http of [
    { method: 'POST' },
    { scheme: 'http' },
    { host: `${HOST}.` },
    { host: `${HOST}:8443` },
    { path: '/' },
  ])
    expect(await outcome(`${API}/orders`, http)).toMatchObject({ status: 401, reason: 'PROOF_INVALID' })
  const stolen = await envoy.outcome(recordedCheck(ROUTE, { authorization: `Bearer ${token}` }, { host: HOST }))
  expect(stolen).toMatchObject({ status: 401, reason: 'PROOF_REQUIRED' })
  expect(stolen.headers['www-authenticate']).toMatch(/^DPoP /)
})

it('4. a newer Envoy may send more fields, but every other service refuses them', async () => {
  const client = new Client(deployment.server.grpcAddress, credentials.createInsecure())
  const http = {
    headers: { authorization: await bearer() },
    method: 'GET',
    path: '/',
    host: HOST,
    scheme: 'https',
  }
  const check = { attributes: { contextExtensions: ROUTE, request: { http } } }
  const bytes = toBinary(CheckRequestSchema, create(CheckRequestSchema, check))
  const call = async (method: string, message: Uint8Array) => {
    const { promise, resolve } = Promise.withResolvers<Buffer | string>()
    // Field 100 with the varint 1.
    const more = Buffer.concat([message, Uint8Array.of(0xa0, 0x06, 0x01)])
    client.makeUnaryRequest(`/${method}`, same, same, more, (error, answer) =>
      resolve(answer ?? String(error?.details)),
    )
    return promise
  }
  const answer = await call(`${Authorization.typeName}/Check`, bytes)
  const other = await call(`${AuthnService.typeName}/VerifyToken`, new Uint8Array())
  client.close()
  expect(other).toMatch(/^Unknown field number 100/)
  expect(Buffer.isBuffer(answer) && fromBinary(CheckResponseSchema, answer).httpResponse.case).toBe('okResponse')
})

it('5. Envoy refuses a token as soon as its revocation or the suspension of its agent has returned', async () => {
  const check = recordedCheck(ROUTE, { authorization: await bearer() }, { host: HOST })
  expect(await envoy.outcome(check)).toMatchObject({ status: undefined })
  const [, token] = check.attributes.request.http.headers['authorization']?.split(' ') ?? []
  expectStatus(200, await deployment.client.revokeToken(token))
  expect(await envoy.outcome(check)).toMatchObject({ status: 401, reason: 'TOKEN_REVOKED' })
  const other = recordedCheck(ROUTE, { authorization: await bearer() }, { host: HOST })
  expect(await envoy.outcome(other)).toMatchObject({ status: undefined })
  expectStatus(200, await deployment.client.suspendAgent(operator.id, agent.did, operator))
  expect(await envoy.outcome(other)).toMatchObject({ status: 401, reason: 'AGENT_TOKENS_ENDED' })
})
