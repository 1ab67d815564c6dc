import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import {
  Authorization,
  type CheckRequest,
  CheckResponseSchema,
} from '../../../gen/proto/envoy/service/auth/v3/external_auth_pb.ts'
import { startGateway } from '../../../test/support/gateway.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

const CHECK = Authorization.method.check
/** Returns an answer of Check from its JSON form. */
const answerOf = (json: JsonValue) => () => fromJson(CheckResponseSchema, json)
const header = (key: string, value: string) => ({ header: { key, value } })

it('GET /v1/authz asks Check about the request, and takes the token for no proof of the caller', async () => {
  const { url, rpc } = await startGateway({ trustedProxies: ['127.0.0.1'] })
  const headers = { authorization: 'Bearer a', dpop: 'p', 'x-original-url': 'https://b.example/a?b=c', cookie: 'd' }
  await fetch(`${url}/v1/authz?audience=b.example&scope=read+write`, { headers })
  const { method, meta, request } = rpc.last()
  expect([method, meta.authorization, meta.dpop, meta.rpc]).toEqual([CHECK, undefined, undefined, 'GET /v1/authz'])
  expect((request as CheckRequest).attributes).toMatchObject({
    contextExtensions: { audience: 'b.example', scope: 'read write' },
    request: {
      http: { method: '', scheme: 'https', host: 'b.example', path: '/a?b=c', protocol: 'HTTP/1.1', headers },
    },
  })
})

it('GET /v1/authz answers 204 with every header for the API, those without value empty', async () => {
  const { url, rpc } = await startGateway({ baseUrl: 'http://localhost:8080/issuer' })
  const okResponse = { headers: [header('x-a-subject', 'did')], headersToRemove: ['x-a-actor', 'authorization'] }
  rpc.answer(CHECK, answerOf({ okResponse }))
  const headers = { authorization: 'Bearer a' }
  for (const path of ['/v1/authz', '/issuer/v1/authz']) {
    const answer = await fetch(`${url}${path}`, { headers })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([204, 'no-store'])
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-a-subject': 'did',
      'x-a-actor': '',
      authorization: '',
    })
  }
  for (const name of ['X-A-Subject', 'x-a-actor']) {
    const answer = await fetch(`${url}/v1/authz`, { headers: { ...headers, [name]: '' } })
    expect([answer.status, answer.headers.get('x-auth4agent-reason')]).toEqual([403, 'CLIENT_HEADER_REFUSED'])
  }
  expect(rpc.refused).toMatchObject([{ reason: 'PERMISSION_DENIED' }, { reason: 'PERMISSION_DENIED' }])
})

it('GET /v1/authz answers a denial with its status and headers, and an answer of another kind with 503', async () => {
  const { url, rpc } = await startGateway()
  const denial = { status: { code: 'Forbidden' }, headers: [header('x-auth4agent-reason', 'R'), header('a', 'b')] }
  rpc.answer(CHECK, answerOf({ deniedResponse: denial }))
  const denied = await fetch(`${url}/v1/authz`)
  expect([denied.status, denied.headers.get('x-auth4agent-reason'), denied.headers.get('a')]).toEqual([403, 'R', 'b'])
  rpc.answer(CHECK, answerOf({ deniedResponse: {} }))
  expect(await fetch(`${url}/v1/authz`)).toMatchObject({ status: 503 })
  rpc.answer(CHECK, answerOf({ errorResponse: { status: { code: 'OK' } } }))
  expect(await fetch(`${url}/v1/authz`)).toMatchObject({ status: 503 })
  // For Envoy, an empty answer means that the request passes.
  rpc.answer(CHECK, answerOf({}))
  expect(await fetch(`${url}/v1/authz`)).toMatchObject({ status: 503 })
})

it.each([
  ['RATE_LIMITED', 429],
  ['UNAVAILABLE', 503],
] as const)('GET /v1/authz answers %s with %i and the reason in the header', async (reason, status) => {
  const { url, rpc } = await startGateway()
  rpc.answer(CHECK, () => {
    throw new ApiError(reason, undefined, { retryAfter: 1 })
  })
  const answer = await fetch(`${url}/v1/authz`)
  expect([answer.status, answer.headers.get('x-auth4agent-reason')]).toEqual([status, reason])
})

it('GET /v1/authz takes no headers about the original request from a peer that is not trusted', async () => {
  const { url, rpc } = await startGateway({ trustedProxies: ['10.0.0.0/8'] })
  await fetch(`${url}/v1/authz`, { headers: { 'x-original-url': 'https://b.example/', 'x-original-method': 'GET' } })
  const http = { method: '', scheme: '', host: '', path: '' }
  expect((rpc.last().request as CheckRequest).attributes?.request?.http).toMatchObject(http)
})
