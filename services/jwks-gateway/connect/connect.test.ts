import { gzipSync } from 'node:zlib'
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { describe, expect, it } from 'vitest'
import { AgentDirectoryService } from '../../../gen/proto/auth4agent/internal/v1/directory_pb.ts'
import { AuthnService } from '../../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../../gen/proto/auth4agent/v1/identity_pb.ts'
import { ErrorInfoSchema } from '../../../gen/proto/google/rpc/error_details_pb.ts'
import { fakeRpc } from '../../../test/support/fake-rpc.ts'
import { startGateway } from '../../../test/support/gateway.ts'
import type { Rpc } from '../../calls/rpc.ts'
import { ApiError } from '../../platform/errors/api-error.ts'

/** Puts a message into the envelope of gRPC-Web. */
function framed(flags: number, message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([flags, 0, 0, message.length >> 8, message.length & 255]), message])
}

type MakeTransport = (baseUrl: string) => Transport

const transports: [string, MakeTransport][] = [
  [
    'Connect with protobuf',
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
  ],
  ['Connect with JSON', (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false })],
  ['gRPC-Web', (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
]

async function errorOf(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => expect.fail('not refused'),
    (error: unknown) => ConnectError.from(error),
  )
}

function reasonOf(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === 'auth4agent')?.reason
}

describe.each(transports)('%s', (_name, transport) => {
  it('calls a method and passes the caller to the pipeline', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(IdentityService.method.getAgent, ({ did }) => ({ did, didDocument: { id: did } }))
    const client = createClient(IdentityService, transport(url))
    let requestId: string | null = null
    const answer = await client.getAgent(
      { did: 'd' },
      {
        headers: { authorization: 'Bearer x', 'x-request-id': 'r1' },
        timeoutMs: 5000,
        onHeader: (headers) => (requestId = headers.get('x-request-id')),
      },
    )
    expect(answer).toMatchObject({ did: 'd', didDocument: { id: 'd' } })
    const { meta } = rpc.last()
    expect(meta).toMatchObject({
      requestId: 'r1',
      source: '127.0.0.1',
      authorization: 'Bearer x',
      rpc: 'auth4agent.v1.IdentityService/GetAgent',
    })
    expect(meta.timeoutMs).toBeGreaterThan(0)
    expect(meta.timeoutMs).toBeLessThanOrEqual(5000)
    expect(requestId).toBe('r1')
  })

  it('answers a refusal with code, reason and Retry-After', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(AuthnService.method.issueToken, () => {
      throw new ApiError('RATE_LIMITED', 'slowly', { retryAfter: 3 })
    })
    const error = await errorOf(createClient(AuthnService, transport(url)).issueToken({}))
    expect([error.code, error.rawMessage, reasonOf(error)]).toStrictEqual([
      Code.ResourceExhausted,
      'slowly',
      'RATE_LIMITED',
    ])
    expect(error.metadata.get('retry-after')).toBe('3')
  })

  it('does not reveal the message of an internal error', async () => {
    const { url, rpc } = await startGateway()
    rpc.answer(AuthnService.method.issueToken, () => {
      throw new Error('secret')
    })
    const error = await errorOf(createClient(AuthnService, transport(url)).issueToken({}))
    expect([error.code, error.rawMessage, reasonOf(error)]).toStrictEqual([
      Code.Internal,
      'The server failed',
      'INTERNAL',
    ])
  })

  it('refuses text that the database cannot store', async () => {
    const { url } = await startGateway()
    const error = await errorOf(createClient(AuthnService, transport(url)).createChallenge({ did: 'a\0' }))
    expect([error.code, reasonOf(error)]).toStrictEqual([Code.InvalidArgument, 'INVALID_ARGUMENT'])
  })

  it('refuses a message over the size limit without calling the method', async () => {
    const { url, rpc } = await startGateway()
    const error = await errorOf(createClient(AuthnService, transport(url)).createChallenge({ did: 'a'.repeat(70_000) }))
    expect(error.code).toBe(Code.ResourceExhausted)
    expect(rpc.calls).toHaveLength(0)
    expect(rpc.refused).toMatchObject([{ reason: 'BODY_TOO_LARGE' }])
  })

  it('does not serve the internal services', async () => {
    const { url } = await startGateway()
    const client = createClient(AgentDirectoryService, transport(url))
    const error = await errorOf(client.lookupAgent({}))
    expect(error.code).toBe(Code.Unimplemented)
  })
})

describe('a request over Connect or gRPC-Web', () => {
  const path = `/${AuthnService.typeName}/${AuthnService.method.createChallenge.name}`
  const malformed = Buffer.from([0x0a, 0xff])
  const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, malformed.length]), malformed])

  it.each<[string, string, Buffer]>([
    ['protobuf', 'application/proto', malformed],
    ['UTF-8 in protobuf', 'application/proto', Buffer.from([0x0a, 1, 0xff])],
    ['JSON', 'application/json', Buffer.from('{"did":1}')],
    ['JSON text', 'application/json', Buffer.from('{')],
  ])('with malformed %s is refused with INVALID_ARGUMENT', async (_name, type, body) => {
    const { url, rpc } = await startGateway()
    const answer = await fetch(url + path, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': type },
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'invalid_argument' })
    expect(rpc.calls).toHaveLength(0)
    expect(rpc.refused).toStrictEqual([{ reason: 'INVALID_ARGUMENT', rpc: path.slice(1), source: '127.0.0.1' }])
  })

  it('with a malformed gRPC-Web message is refused with INVALID_ARGUMENT', async () => {
    const { url, rpc } = await startGateway()
    const headers = { 'content-type': 'application/grpc-web+proto' }
    const answer = await fetch(url + path, { method: 'POST', body: new Uint8Array(envelope), headers })
    expect([answer.status, answer.headers.get('grpc-status')]).toStrictEqual([200, String(Code.InvalidArgument)])
    expect(rpc.calls).toHaveLength(0)
    expect(rpc.refused).toMatchObject([{ reason: 'INVALID_ARGUMENT', rpc: path.slice(1) }])
  })

  it.each([
    ['application/json', '{"toke\\"n":1,"operators":["a"]}', 'VerifyToken', 'token'],
    ['application/json', '{"policy":{"audiences":[{"caller":["a.example"]}]}}', 'SetOperatorPolicy', 'callers'],
    ['application/grpc-web+json', '{"scopes":"admin"}', 'VerifyToken', 'scope'],
    ['application/connect+json', '{"hsah":""}', 'WatchRevocations', 'hash'],
  ])(
    'of %s with the unknown field in %s is refused, and the error names a known field',
    async (type, json, name, nearest) => {
      const { url, rpc } = await startGateway()
      const method = rpc.services.flatMap(({ methods }) => methods).find((each) => each.name === name)
      const bytes = Buffer.from(json)
      const body = new Uint8Array(type === 'application/json' ? bytes : framed(0, bytes))
      const answer = await fetch(`${url}/${method?.parent.typeName}/${name}`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      })
      const text = `${await answer.text()} ${decodeURIComponent(answer.headers.get('grpc-message') ?? '')}`
      expect(text.replaceAll('\\', '')).toContain(`the nearest known one is "${nearest}"`)
      expect(rpc.calls).toHaveLength(0)
      expect(rpc.refused).toMatchObject([{ reason: 'UNKNOWN_FIELD' }])
    },
  )

  it.each([
    ['Connect', 'application/json', 'content-encoding', (text: string) => Buffer.from(text)],
    ['Connect, compressed', 'application/json', 'content-encoding', gzipSync],
    ['gRPC-Web', 'application/grpc-web+json', 'grpc-encoding', (text: string) => framed(0, Buffer.from(text))],
    ['gRPC-Web, compressed', 'application/grpc-web+json', 'grpc-encoding', (text: string) => framed(1, gzipSync(text))],
  ])('over %s with an empty list of requirements is refused', async (name, type, coding, encode) => {
    const { url, rpc } = await startGateway()
    const headers = { 'content-type': type, ...(name.includes('compressed') && { [coding]: 'gzip' }) }
    const send = async (json: object) => {
      const body = new Uint8Array(encode(JSON.stringify(json)))
      const answer = await fetch(`${url}/auth4agent.v1.AuthnService/VerifyToken`, { method: 'POST', body, headers })
      return `${await answer.text()} ${decodeURIComponent(answer.headers.get('grpc-message') ?? '')}`
    }
    for (const demand of ['operators', 'audience']) {
      expect(decodeURIComponent(await send({ token: 't', [demand]: [] }))).toContain(`${demand} must not be empty`)
    }
    expect(rpc.refused).toMatchObject([{ reason: 'INVALID_ARGUMENT' }, { reason: 'INVALID_ARGUMENT' }])
    expect(rpc.calls).toHaveLength(0)
    await send({ token: 't', operators: ['a.example'] })
    expect(rpc.last().request).toMatchObject({ token: 't', operators: ['a.example'] })
  })

  it.each([
    ['a member twice', 'AuthnService/IssueToken', '{"did":"a","did":"b"}'],
    ['a member twice, once with an escape in its name', 'AuthnService/IssueToken', '{"did":"a","d\\u0069d":"b"}'],
    ['a member of a document twice', 'IdentityService/RegisterAgent', '{"did_document":{"id":1,"id":2}}'],
    [
      'a field under both of its names',
      'IdentityService/SetAgentScopes',
      '{"allowed_scopes":["a"],"allowedScopes":["admin"]}',
    ],
  ])('with %s in JSON is refused with INVALID_ARGUMENT', async (_name, call, body) => {
    const { url, rpc } = await startGateway()
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${url}/auth4agent.v1.${call}`, { method: 'POST', body, headers })).status).toBe(400)
    expect(rpc.refused).toMatchObject([{ reason: 'INVALID_ARGUMENT' }])
    expect(rpc.calls).toHaveLength(0)
  })

  it('with a byte order mark before its JSON is read', async () => {
    const { url, rpc } = await startGateway()
    const headers = { 'content-type': 'application/json' }
    const body = '\ufeff{"token":"t"}'
    await fetch(`${url}/auth4agent.v1.AuthnService/VerifyToken`, { method: 'POST', body, headers })
    expect(rpc.last().request).toMatchObject({ token: 't' })
  })

  it('of an unknown content type answers 415', async () => {
    const { url, rpc } = await startGateway()
    expect(
      (await fetch(url + path, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } })).status,
    ).toBe(415)
    expect(rpc.refused).toMatchObject([{ reason: 'UNSUPPORTED_MEDIA_TYPE', rpc: path.slice(1) }])
  })

  it('to an unknown procedure is refused with the code unimplemented', async () => {
    const { url, rpc } = await startGateway()
    const answer = await fetch(`${url}/auth4agent.v1.AuthnService/Nothing`, { method: 'POST', body: '{}' })
    expect(await answer.json()).toMatchObject({ code: 'unimplemented' })
    expect(rpc.refused).toStrictEqual([{ reason: 'ROUTE_NOT_FOUND', rpc: 'none', source: '127.0.0.1' }])
  })

  it.each(['application/proto', 'application/grpc-web+proto'])(
    'of %s is refused with Retry-After when the pipeline answers RATE_LIMITED',
    async (type) => {
      const rpc: Rpc = {
        ...fakeRpc(),
        invoke: () => Promise.reject(new ApiError('RATE_LIMITED', 'slowly', { retryAfter: 3 })),
      }
      const { url } = await startGateway({}, { rpc })
      const answer = await fetch(url + path, { method: 'POST', body: 'x', headers: { 'content-type': type } })
      expect(answer.headers.get('retry-after')).toBe('3')
      const isWeb = type.includes('web')
      expect([answer.status, answer.headers.get('grpc-status')]).toStrictEqual(isWeb ? [200, '8'] : [429, null])
    },
  )

  it('that decompresses beyond the size limit is refused', async () => {
    const { url, rpc } = await startGateway()
    const body = new Uint8Array(gzipSync(Buffer.from(JSON.stringify({ did: 'a'.repeat(1_000_000) }))))
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const answer = await fetch(url + path, { method: 'POST', body, headers })
    expect(await answer.json()).toMatchObject({ code: 'resource_exhausted' })
    expect(rpc.calls).toHaveLength(0)
    expect(rpc.refused).toMatchObject([{ reason: 'BODY_TOO_LARGE' }])
  })
})
