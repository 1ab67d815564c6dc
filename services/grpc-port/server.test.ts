import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { type Client, credentials, Metadata, type MetadataValue, type ServiceError, status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { IdentityService } from '../../gen/proto/auth4agent/v1/identity_pb.ts'
import { ErrorInfoSchema, RetryInfoSchema } from '../../gen/proto/google/rpc/error_details_pb.ts'
import { StatusSchema } from '../../gen/proto/google/rpc/status_pb.ts'
import { certificate } from '../../test/support/certificate.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'

interface CallOptions {
  readonly metadata?: Record<string, string | readonly string[]>
  readonly deadline?: number
  readonly seeHeaders?: (headers: Metadata) => void
}

const identity = (buffer: Buffer) => buffer

/** Calls with raw bytes, so that a test can send bytes that a generated client would never send. */
async function callBytes(client: Client, path: string, bytes: Uint8Array, options: CallOptions = {}): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const metadata = new Metadata()
  for (const [key, values] of Object.entries(options.metadata ?? {})) {
    for (const value of [values].flat()) metadata.add(key, value)
  }
  const call = client.makeUnaryRequest(
    path,
    identity,
    identity,
    Buffer.from(bytes),
    metadata,
    options.deadline === undefined ? {} : { deadline: options.deadline },
    (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
  )
  call.on('metadata', (headers: Metadata) => options.seeHeaders?.(headers))
  return promise
}

async function call<M extends DescMethod>(
  client: Client,
  method: M,
  request: MessageInitShape<M['input']>,
  options?: CallOptions,
): Promise<MessageShape<M['output']>> {
  const input = toBinary(method.input, create<DescMethod['input']>(method.input, request))
  const path = `/${method.parent.typeName}/${method.name}`
  return fromBinary<M['output']>(method.output, await callBytes(client, path, input, options))
}

async function errorOf(promise: Promise<unknown>): Promise<ServiceError> {
  return promise.then(
    () => expect.fail('not refused'),
    (error: ServiceError) => error,
  )
}

function detailsOf(error: ServiceError) {
  const [trailer] = error.metadata.get('grpc-status-details-bin') as [MetadataValue?]
  const details = fromBinary(StatusSchema, Buffer.from(trailer ?? '')).details
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((detail) => detail !== undefined)
  const retry = details.map((any) => anyUnpack(any, RetryInfoSchema)).find((detail) => detail !== undefined)
  return { reason: info?.reason, domain: info?.domain, retry: retry?.retryDelay?.seconds }
}

describe('the gRPC port', () => {
  it('calls a method, and passes source, request id and deadline of the caller to the pipeline', async () => {
    const { rpc, client } = await startGrpcServer()
    rpc.answer(IdentityService.method.getAgent, ({ did }) => ({ did, didDocument: { id: did } }))
    let echoed: MetadataValue | undefined
    const metadata = { authorization: 'Bearer x', 'x-request-id': 'r1' }
    const answer = await call(
      client,
      IdentityService.method.getAgent,
      { did: 'd' },
      {
        metadata,
        deadline: Date.now() + 5000,
        seeHeaders: (headers) => ([echoed] = headers.get('x-request-id')),
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
    expect(echoed).toBe('r1')
  })

  it('replaces a request id that could forge a log line', async () => {
    const { rpc, client } = await startGrpcServer()
    await call(client, AuthnService.method.createChallenge, {}, { metadata: { 'x-request-id': 'a b' } })
    expect(rpc.last().meta.requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(rpc.last().meta.timeoutMs).toBeUndefined()
  })

  it('answers a refusal with code, reason and retry delay', async () => {
    const { rpc, client } = await startGrpcServer()
    rpc.answer(AuthnService.method.issueToken, () => {
      throw new ApiError('RATE_LIMITED', 'slowly', { retryAfter: 2.5 })
    })
    const error = await errorOf(call(client, AuthnService.method.issueToken, {}))
    expect([error.code, error.details]).toStrictEqual([status.RESOURCE_EXHAUSTED, 'slowly'])
    expect(detailsOf(error)).toStrictEqual({ reason: 'RATE_LIMITED', domain: 'auth4agent', retry: 3n })
  })

  it('does not reveal the message of an internal error', async () => {
    const { rpc, client } = await startGrpcServer()
    rpc.answer(AuthnService.method.issueToken, () => {
      throw new Error('secret')
    })
    const error = await errorOf(call(client, AuthnService.method.issueToken, {}))
    expect([error.code, error.details]).toStrictEqual([status.INTERNAL, 'The server failed'])
    expect(detailsOf(error).reason).toBe('INTERNAL')
  })

  it.each([
    ['a truncated field', [0x0a, 0xff]],
    ['invalid UTF-8', [0x0a, 1, 0xff]],
    ['an illegal tag', [0x00]],
    ['NUL in text', [0x0a, 1, 0]],
  ])('answers INVALID_ARGUMENT for %s', async (_name, bytes) => {
    const { client, rpc } = await startGrpcServer()
    const path = '/auth4agent.v1.AuthnService/CreateChallenge'
    const error = await errorOf(callBytes(client, path, Uint8Array.from(bytes)))
    expect(error.code).toBe(status.INVALID_ARGUMENT)
    expect(detailsOf(error).reason).toBe('INVALID_ARGUMENT')
    expect(rpc.refused.length + rpc.calls.length).toBe(1)
  })

  it.each<[string, string[], string[], string]>([
    ['the peer without trusted proxies', [], ['9.9.9.9'], '127.0.0.1'],
    ['the peer if it is not a trusted proxy', ['10.0.0.0/8'], ['9.9.9.9'], '127.0.0.1'],
    ['the address that a trusted proxy names', ['127.0.0.1'], ['9.9.9.9'], '9.9.9.9'],
    [
      'the last address that is not a trusted proxy',
      ['127.0.0.1', '10.0.0.0/8'],
      ['6.6.6.6', '9.9.9.9, 10.1.1.1'],
      '9.9.9.9',
    ],
    ['the proxy if it names no address', ['127.0.0.1'], [], '127.0.0.1'],
  ])('uses as the source %s', async (_name, trustedProxies, forwarded, source) => {
    const { rpc, client } = await startGrpcServer({ trustedProxies })
    await call(client, AuthnService.method.createChallenge, {}, { metadata: { 'x-forwarded-for': forwarded } })
    expect(rpc.last().meta.source).toBe(source)
  })

  it('refuses messages and metadata over the limit without calling the method', async () => {
    const { rpc, client } = await startGrpcServer()
    const large = await errorOf(call(client, AuthnService.method.createChallenge, { did: 'a'.repeat(70_000) }))
    // A server of grpc-js would give no reason. This server answers the stream itself, so it can.
    expect([large.code, detailsOf(large).reason]).toStrictEqual([status.RESOURCE_EXHAUSTED, 'BODY_TOO_LARGE'])
    const metadata = { authorization: 'a'.repeat(17_000) }
    const heavy = await errorOf(call(client, AuthnService.method.createChallenge, {}, { metadata }))
    expect([heavy.code, detailsOf(heavy).reason]).toStrictEqual([status.RESOURCE_EXHAUSTED, 'HEADERS_TOO_LARGE'])
    expect(rpc.calls).toHaveLength(0)
    const rpcName = 'auth4agent.v1.AuthnService/CreateChallenge'
    expect(rpc.refused).toStrictEqual(
      ['BODY_TOO_LARGE', 'HEADERS_TOO_LARGE'].map((reason) => ({ reason, rpc: rpcName, source: '127.0.0.1' })),
    )
  })

  it.each(['/auth4agent.v1.AuthnService/Nothing', '/auth4agent.internal.v1.AgentDirectoryService/LookupAgent'])(
    'does not implement %s',
    async (path) => {
      const { client } = await startGrpcServer()
      expect((await errorOf(callBytes(client, path, new Uint8Array()))).code).toBe(status.UNIMPLEMENTED)
    },
  )

  it('lets a running call finish when it closes', async () => {
    const { rpc, client, server } = await startGrpcServer()
    const started = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    rpc.answer(AuthnService.method.issueToken, async () => {
      started.resolve()
      await release.promise
      return { token: 't' }
    })
    const answer = call(client, AuthnService.method.issueToken, {})
    await started.promise
    const closed = server.close()
    release.resolve()
    expect((await answer).token).toBe('t')
    await closed
  })
})

describe('the gRPC port with a certificate', () => {
  it('accepts only TLS', async () => {
    const secure = credentials.createSsl(Buffer.from(certificate.cert))
    const trusting = await startGrpcServer({ tls: certificate }, secure)
    expect(await call(trusting.client, AuthnService.method.createChallenge, {})).toMatchObject({ challenge: '' })
    const plain = await startGrpcServer({ tls: certificate })
    const error = await errorOf(call(plain.client, AuthnService.method.createChallenge, {}))
    expect(error.code).toBe(status.UNAVAILABLE)
    expect(plain.rpc.calls).toHaveLength(0)
  })
})
