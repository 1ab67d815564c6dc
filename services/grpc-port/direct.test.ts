import { once } from 'node:events'
import { connect, createServer, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { AuthnService, VerifyTokenResponseSchema } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { collectAll } from '../../test/support/collect-all.ts'
import { fakeRpc } from '../../test/support/fake-rpc.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import type { Meta, Rpc } from '../chain/rpc.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { createBound } from '../platform/limits/bound.ts'
import { createDirectCalls } from './direct.ts'
import { encodeFrame } from './frames.ts'

const PATH = '/auth4agent.v1.AuthnService/CreateChallenge'
const EMPTY = encodeFrame(new Uint8Array())
/** A frame that says it is compressed. */
const COMPRESSED = Buffer.from([1, 0, 0, 0, 0])

interface Sent {
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array
}

/** Sends one call and answers all that came back. */
async function send(port: number, { headers = {}, body = EMPTY }: Sent) {
  const session = connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  const stream = session.request({
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  const answer: { head: Record<string, unknown>; trailers: Record<string, unknown>; bytes: number } = {
    head: {},
    trailers: {},
    bytes: 0,
  }
  stream.on('response', (head) => Object.assign(answer.head, head))
  stream.on('trailers', (trailers) => Object.assign(answer.trailers, trailers))
  stream.on('data', (chunk: Buffer) => (answer.bytes += chunk.length))
  const { promise, resolve, reject } = Promise.withResolvers<typeof answer>()
  stream.on('error', reject).on('close', () => resolve(answer))
  stream.end(body)
  return promise
}

/** Where the status stands when there is no message, and where when there is one. */
const statusOf = ({ head, trailers }: { head: Record<string, unknown>; trailers: Record<string, unknown> }) =>
  Number(trailers['grpc-status'] ?? head['grpc-status'])

describe('an ordinary call', () => {
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

  it('that is refused is answered with headers and a status, which no text can break out of', async () => {
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
})

it('an answer that cannot be written is a fault of the server, and only of this call', async () => {
  const { port, rpc } = await startGrpcServer()
  // A message of another method.
  Object.assign(rpc, { invoke: async () => create(VerifyTokenResponseSchema) })
  expect(statusOf(await send(port, {}))).toBe(status.INTERNAL)
  expect(statusOf(await send(port, {}))).toBe(status.INTERNAL)
})

describe('what is out of the ordinary', () => {
  it.each<[string, Sent, number]>([
    ['no message', { body: Buffer.alloc(0) }, status.INVALID_ARGUMENT],
    ['two messages', { body: Buffer.concat([EMPTY, EMPTY]) }, status.INVALID_ARGUMENT],
    ['half a message', { body: Buffer.from([0, 0, 0, 0, 9, 1]) }, status.INVALID_ARGUMENT],
    ['a compressed message without encoding', { body: COMPRESSED }, status.INVALID_ARGUMENT],
    ['a message beyond the limit', { body: encodeFrame(Buffer.alloc(64 * 1024 + 1)) }, status.RESOURCE_EXHAUSTED],
    ['an unknown encoding', { headers: { 'grpc-encoding': 'none' }, body: COMPRESSED }, status.UNIMPLEMENTED],
    ['a malformed timeout', { headers: { 'grpc-timeout': 'soon' } }, status.INTERNAL],
    ['an unknown method', { headers: { ':path': `${PATH}s` } }, status.UNIMPLEMENTED],
  ])('has the status that says so: %s', async (_name, sent, code) => {
    const { port, rpc } = await startGrpcServer()
    expect(statusOf(await send(port, sent))).toBe(code)
    expect(rpc.calls).toHaveLength(0)
    expect(statusOf(await send(port, {}))).toBe(status.OK)
  })

  it('another content type is 415', async () => {
    const { port } = await startGrpcServer()
    const { head } = await send(port, { headers: { 'content-type': 'application/json' } })
    expect(head[':status']).toBe(415)
  })

  it('a compressed message is understood', async () => {
    const { port, rpc } = await startGrpcServer()
    const frame = encodeFrame(gzipSync(Buffer.from([0x0a, 1, 0x61])))
    frame.writeUInt8(1, 0)
    expect(statusOf(await send(port, { headers: { 'grpc-encoding': 'gzip' }, body: frame }))).toBe(status.OK)
    expect(rpc.last().request).toMatchObject({ did: 'a' })
  })
})

/** A server of direct calls alone, and the streams that it has had. */
async function listenDirectly(rpc: Rpc) {
  const answer = createDirectCalls({
    rpc,
    sourceOf: (peer) => peer,
    streams: createBound(1, 1),
    requestTimeoutMs: 10_000,
    maxMessageBytes: 1_000,
    maxMetadataBytes: 1_000,
  })
  const streams: ServerHttp2Stream[] = []
  const server = createServer().on('stream', (stream, headers) => {
    streams.push(stream)
    answer(stream, headers)
  })
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, port: (server.address() as AddressInfo).port, streams }
}

it('a stream that has ended holds nothing of its call any more', async () => {
  const seen: WeakRef<Meta>[] = []
  const { port, streams } = await listenDirectly({
    ...fakeRpc(),
    async invoke({ output }, read, meta) {
      seen.push(new WeakRef(meta))
      read()
      return create(output)
    },
  })
  const { trailers } = await send(port, {})
  expect(trailers).toMatchObject({ 'grpc-status': '0' })
  const held = () => {
    collectAll()
    return seen.map((one) => one.deref()?.rpc)
  }
  await expect.poll(held).toEqual([undefined])
  expect(streams).toHaveLength(1)
})

it('nor does one whose caller has gone before its request was whole', async () => {
  const { server, port, streams } = await listenDirectly(fakeRpc())
  const session = connect(`http://127.0.0.1:${port}`)
  const request = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' })
  request.on('error', () => undefined)
  await once(server, 'stream')
  session.destroy()
  await expect.poll(() => streams.map((stream) => [stream.closed, stream.listenerCount('data')])).toEqual([[true, 0]])
})

it('a caller that has gone is not answered, and costs nobody else', async () => {
  const { port, rpc } = await startGrpcServer({ maxStreams: 2 })
  const gone = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  rpc.answer(AuthnService.method.createChallenge, async () => {
    asked.resolve()
    await gone.promise
    return {}
  })
  const session = connect(`http://127.0.0.1:${port}`)
  const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' })
  stream.on('error', () => {})
  stream.end(EMPTY)
  await asked.promise
  const closed = Promise.withResolvers<void>()
  session.on('close', closed.resolve).destroy()
  await closed.promise
  gone.resolve()
  await vi.waitFor(async () => expect(statusOf(await send(port, {}))).toBe(status.OK))
})

it('an answer that is not read ends with its time, also where the request comes to its end only after it', async () => {
  const { port } = await startGrpcServer({ requestTimeoutMs: 200, maxStreams: 2 })
  // With no window the answer cannot be sent to its end.
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } })
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' })
  stream.on('error', () => {})
  await new Promise((resolve) => stream.once('response', resolve))
  stream.end(EMPTY)
  await vi.waitFor(() => expect(stream.closed).toBe(true), 2_000)
  expect(statusOf(await send(port, {}))).toBe(status.OK)
})
