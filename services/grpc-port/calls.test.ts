import { once } from 'node:events'
import { connect, constants, createServer, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { create, fromBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AuthnService, VerifyTokenResponseSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { ErrorInfoSchema } from '../../gen/proto/google/rpc/error_details_pb.ts'
import { StatusSchema } from '../../gen/proto/google/rpc/status_pb.ts'
import { eventually } from '../../test/support/eventually.ts'
import { fakeRpc } from '../../test/support/fake-rpc.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { sendRawHttp2 } from '../../test/support/raw-http2.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { createBound } from '../platform/limits/bound.ts'
import { createCalls } from './calls.ts'
import { encodeFrame } from './frames.ts'
import { createHealth } from './health.ts'
import { methodsOf } from './methods.ts'

const PATH = '/auth4agent.v1.AuthnService/CreateChallenge'
const WATCH = '/auth4agent.v1.RevocationService/WatchRevocations'
const HEALTH = '/grpc.health.v1.Health/Check'
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'
const EMPTY = encodeFrame(new Uint8Array())
/** The frame of an empty message, with the compressed flag. */
const COMPRESSED = Buffer.from([1, 0, 0, 0, 0])

interface Sent {
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array
}

interface Answered {
  readonly head: Record<string, unknown>
  readonly trailers: Record<string, unknown>
  bytes: number
}

const POST = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' }

/** Sends one call. Resolves with the headers, the trailers and the size of the answer. */
async function send(port: number, { headers = {}, body = EMPTY }: Sent): Promise<Answered> {
  const session = connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  const stream = session.request({ ...POST, ...headers }, { endStream: false })
  const answer: Answered = { head: {}, trailers: {}, bytes: 0 }
  stream.on('response', (head) => Object.assign(answer.head, head))
  stream.on('trailers', (trailers) => Object.assign(answer.trailers, trailers))
  stream.on('data', (chunk: Buffer) => (answer.bytes += chunk.length))
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  stream.on('error', reject).on('close', () => resolve(answer))
  stream.end(body)
  return promise
}

const statusOf = ({ trailers }: Answered) => Number(trailers['grpc-status'])

function reasonOf({ trailers }: Answered): string | undefined {
  const details = trailers['grpc-status-details-bin']
  const bytes = Buffer.from(typeof details === 'string' ? details : '', 'base64')
  const [info] = fromBinary(StatusSchema, bytes).details.map((any) => anyUnpack(any, ErrorInfoSchema))
  return info?.reason
}

describe('a call', () => {
  it('is answered with headers, one message and trailers', async () => {
    const { port, rpc } = await startGrpcServer()
    const answer = await send(port, { headers: { 'x-request-id': 'mine', 'grpc-timeout': '3S' } })
    expect(answer.head).toMatchObject({
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'x-request-id': 'mine',
    })
    expect(answer.trailers).toMatchObject({ 'grpc-status': '0' })
    expect(answer.bytes).toBeGreaterThanOrEqual(5)
    expect(rpc.last().meta).toMatchObject({ requestId: 'mine', timeoutMs: 3000, source: '127.0.0.1' })
  })

  it('that is refused is answered with headers and a status, in which line breaks are encoded', async () => {
    const { port, rpc } = await startGrpcServer()
    rpc.answer(AuthnService.method.createChallenge, () => {
      throw new ApiError('INVALID_ARGUMENT', 'bad\r\nx-forged: 1')
    })
    const { head, trailers, bytes } = await send(port, { headers: { 'x-request-id': 'mine' } })
    expect([head['x-request-id'], head['grpc-status'], bytes]).toStrictEqual(['mine', undefined, 0])
    expect(trailers).toMatchObject({
      'grpc-status': String(status.INVALID_ARGUMENT),
      'grpc-message': 'bad%0D%0Ax-forged: 1',
      'grpc-status-details-bin': expect.any(String),
    })
  })

  it('whose answer cannot be written ends with INTERNAL, and other calls continue', async () => {
    const { port, rpc } = await startGrpcServer()
    // The answer is a message of another method, which cannot be written.
    Object.assign(rpc, { invoke: async () => create(VerifyTokenResponseSchema) })
    expect(statusOf(await send(port, {}))).toBe(status.INTERNAL)
    expect(statusOf(await send(port, {}))).toBe(status.INTERNAL)
  })

  it.each(['application/grpc', 'application/grpc+proto', 'application/grpc;charset=utf-8'])(
    'may have the content type %s',
    async (type) => {
      const { port } = await startGrpcServer()
      expect(statusOf(await send(port, { headers: { 'content-type': type } }))).toBe(status.OK)
    },
  )

  it('can be compressed', async () => {
    const { port, rpc } = await startGrpcServer()
    const frame = encodeFrame(gzipSync(Buffer.from([0x0a, 1, 0x61])))
    frame.writeUInt8(1, 0)
    expect(statusOf(await send(port, { headers: { 'grpc-encoding': 'gzip' }, body: frame }))).toBe(status.OK)
    expect(rpc.last().request).toMatchObject({ did: 'a' })
  })
})

const TWO = Buffer.concat([EMPTY, EMPTY])
const HALF = Buffer.from([0, 0, 0, 0, 9, 1])
const LARGE = encodeFrame(Buffer.alloc(64 * 1024 + 1))
const malformed: [string, Sent, number, string][] = [
  ['no message', { body: Buffer.alloc(0) }, status.INVALID_ARGUMENT, 'INVALID_ARGUMENT'],
  ['two messages', { body: TWO }, status.INVALID_ARGUMENT, 'INVALID_ARGUMENT'],
  ['an incomplete message', { body: HALF }, status.INVALID_ARGUMENT, 'INVALID_ARGUMENT'],
  ['a compressed message without encoding', { body: COMPRESSED }, status.INVALID_ARGUMENT, 'INVALID_ARGUMENT'],
  ['a message beyond the limit', { body: LARGE }, status.RESOURCE_EXHAUSTED, 'BODY_TOO_LARGE'],
  [
    'an unknown encoding',
    { headers: { 'grpc-encoding': 'none' }, body: COMPRESSED },
    status.UNIMPLEMENTED,
    'UNSUPPORTED_COMPRESSION',
  ],
  ['a malformed timeout', { headers: { 'grpc-timeout': 'soon' } }, status.INVALID_ARGUMENT, 'INVALID_ARGUMENT'],
  [
    'headers beyond the limit',
    { headers: { 'x-a': 'a'.repeat(17_000) } },
    status.RESOURCE_EXHAUSTED,
    'HEADERS_TOO_LARGE',
  ],
]

describe.each([
  ['a unary method', PATH, true],
  ['a streaming method', WATCH, true],
  ['health', HEALTH, false],
])('a request to %s that cannot be read', (_, path, isChained) => {
  it.each(malformed)('is refused with a reason, and calls no method: %s', async (_name, sent, code, reason) => {
    const { port, rpc } = await startGrpcServer()
    const answer = await send(port, { ...sent, headers: { ...sent.headers, ':path': path } })
    expect([statusOf(answer), reasonOf(answer)]).toEqual([code, reason])
    expect(answer.head).toMatchObject({ ':status': 200, 'grpc-accept-encoding': 'identity,deflate,gzip' })
    // The pipeline gets the refusal, so that it can limit, log and count it.
    expect(rpc.refused).toEqual([{ reason, rpc: isChained ? path.slice(1) : 'none', source: '127.0.0.1' }])
    expect(rpc.calls).toHaveLength(0)
    expect(statusOf(await send(port, {}))).toBe(status.OK)
  })
})

describe('metadata that decides who calls', () => {
  const HEAD = [...Object.entries(POST), [':scheme', 'http'], [':authority', 'x']] as const
  const inOrder = HEAD.toSorted(([a], [b]) => Number(b.startsWith(':')) - Number(a.startsWith(':')))

  it.each([
    ['authorization', 'Bearer good', 'Bearer other'],
    ['authorization', 'Bearer same', 'Bearer same'],
    ['grpc-timeout', '1S', '2S'],
    ['content-type', 'application/grpc', 'text/plain'],
  ])('is refused if it is sent twice: %s', async (name, first, second) => {
    const { port, rpc } = await startGrpcServer()
    const others = inOrder.filter(([each]) => each !== name)
    onTestFinished(await sendRawHttp2(port, [...others, [name, first], [name, second]], EMPTY))
    await eventually(() => expect(rpc.refused).toMatchObject([{ reason: 'INVALID_ARGUMENT' }]))
    expect(rpc.calls).toHaveLength(0)
  })

  it.each([
    [['authorization', 'Bearer good']],
    [
      ['auth4agent-approval', 'a'],
      ['auth4agent-approval', 'b'],
    ],
    [
      ['x-forwarded-for', 'a'],
      ['x-forwarded-for', 'b'],
    ],
  ] as const)('is accepted once, and lists may come in parts: %j', async (...sent) => {
    const { port, rpc } = await startGrpcServer()
    onTestFinished(await sendRawHttp2(port, [...inOrder, ...sent], EMPTY))
    await eventually(() => expect(rpc.calls).toHaveLength(1))
    expect(rpc.refused).toEqual([])
  })
})

describe('a request that reaches no method', () => {
  it.each<[string, OutgoingHttpHeaders, number, number, string]>([
    ['an unknown method', { ':path': `${PATH}s` }, 200, status.UNIMPLEMENTED, 'ROUTE_NOT_FOUND'],
    ['an unknown service', { ':path': '/a.B/C' }, 200, status.UNIMPLEMENTED, 'ROUTE_NOT_FOUND'],
    ['JSON', { 'content-type': 'application/json' }, 415, status.INVALID_ARGUMENT, 'UNSUPPORTED_MEDIA_TYPE'],
    ['gRPC-Web', { 'content-type': 'application/grpc-web' }, 415, status.INVALID_ARGUMENT, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another verb', { ':method': 'PUT' }, 405, status.UNIMPLEMENTED, 'METHOD_NOT_ALLOWED'],
  ])('is refused with a reason and counted: %s', async (_name, headers, httpStatus, code, reason) => {
    const { port, rpc } = await startGrpcServer()
    const answer = await send(port, { headers })
    expect([answer.head[':status'], statusOf(answer), reasonOf(answer)]).toEqual([httpStatus, code, reason])
    expect(rpc.refused).toEqual([{ reason, rpc: 'none', source: '127.0.0.1' }])
  })

  it('is answered with RATE_LIMITED if the pipeline limits its source', async () => {
    const { port, rpc } = await startGrpcServer()
    rpc.refuse = async () => new ApiError('RATE_LIMITED', undefined, { retryAfter: 1 })
    const answer = await send(port, { headers: { ':path': '/a.B/C' } })
    expect([statusOf(answer), reasonOf(answer)]).toEqual([status.RESOURCE_EXHAUSTED, 'RATE_LIMITED'])
  })
})

it('a malformed request ends a reflection stream with a reason', async () => {
  const { port, rpc } = await startGrpcServer()
  const answer = await send(port, { headers: { ':path': REFLECTION }, body: encodeFrame(Buffer.from([0xff])) })
  expect([statusOf(answer), reasonOf(answer)]).toEqual([status.INVALID_ARGUMENT, 'INVALID_ARGUMENT'])
  expect(rpc.refused).toHaveLength(1)
})

// Over TLS, Node reads several frames in one piece. So a stream may be closed before the server first sees it.
it.each([
  ['without error', constants.NGHTTP2_NO_ERROR, PATH],
  ['cancelled', constants.NGHTTP2_CANCEL, WATCH],
  ['for an error', constants.NGHTTP2_INTERNAL_ERROR, REFLECTION],
  ['of an unknown method', constants.NGHTTP2_NO_ERROR, '/nothing'],
])('a stream that is closed when the server first sees it is not answered: %s', async (_name, code, path) => {
  const rpc = fakeRpc()
  const onStream = createCalls({
    rpc,
    methods: methodsOf(rpc, createHealth([])),
    issuer: 'https://auth.example',
    sourceOf: (peer) => peer,
    isTrusted: () => false,
    tracing: undefined,
    streams: createBound(1, 1),
    requestTimeoutMs: 10_000,
    stallMs: 10_000,
    closing: new AbortController().signal,
  })
  const server = createServer().on('stream', (stream, headers) => {
    stream.close(code)
    onStream(stream, headers, [], '127.0.0.1')
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => session.destroy())
  const stream = session.request({ ...POST, ':path': path }, { endStream: false }).on('error', () => undefined)
  const closed = Promise.withResolvers<void>()
  stream.on('response', () => expect.fail('answered')).on('close', closed.resolve)
  await closed.promise
  expect([stream.rstCode, rpc.calls, rpc.refused]).toEqual([code, [], []])
})

it('a caller that has disconnected gets no answer, and its stream leaves room for other callers', async () => {
  const { port, rpc } = await startGrpcServer({ maxStreams: 2 })
  const gone = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  rpc.answer(AuthnService.method.createChallenge, async () => {
    asked.resolve()
    await gone.promise
    return {}
  })
  const session = connect(`http://127.0.0.1:${port}`)
  const stream = session.request(POST)
  stream.on('error', () => {})
  stream.end(EMPTY)
  await asked.promise
  const closed = Promise.withResolvers<void>()
  session.on('close', closed.resolve).destroy()
  await closed.promise
  gone.resolve()
  await eventually(async () => expect(statusOf(await send(port, {}))).toBe(status.OK))
})

it('an answer that the caller does not read ends after the request timeout', async () => {
  const { port } = await startGrpcServer({ requestTimeoutMs: 200, maxStreams: 2 })
  // With a window of 0, the answer cannot be sent completely.
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } })
  onTestFinished(() => session.destroy())
  const stream = session.request(POST)
  stream.on('error', () => {})
  await new Promise((resolve) => stream.once('response', resolve))
  stream.end(EMPTY)
  await eventually(() => expect(stream.closed).toBe(true))
  expect(statusOf(await send(port, {}))).toBe(status.OK)
})
