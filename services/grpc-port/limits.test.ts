import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'

const UNARY = '/auth4agent.v1.AuthnService/CreateChallenge'
const WATCH = '/grpc.health.v1.Health/Watch'
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'
/** An empty message in its frame, and the start of a message that is never completed. */
const EMPTY = Buffer.alloc(5)
const UNFINISHED = Buffer.from([0, 0, 0, 0, 9, 1])

function raw(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

/** Opens a stream that the caller does not end. `code` resolves with the gRPC status when the stream is closed. */
function open(session: ClientHttp2Session, path: string, body: Buffer) {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }
  const stream = session.request(headers, { endStream: false })
  const code = Promise.withResolvers<number>()
  const answered = Promise.withResolvers<void>()
  let told = Number.NaN
  const tell = (head: { 'grpc-status'?: unknown }) => {
    if (head['grpc-status'] !== undefined) told = Number(head['grpc-status'])
  }
  stream
    .on('response', tell)
    .on('trailers', tell)
    .on('error', () => {})
  stream.on('data', () => answered.resolve()).on('close', () => code.resolve(told))
  stream.write(body)
  return { stream, code: code.promise, answered: answered.promise }
}

async function finished(session: ClientHttp2Session): Promise<number> {
  const { stream, code } = open(session, UNARY, EMPTY)
  stream.end()
  return code
}

describe('a stream', () => {
  it.each([
    ['an incomplete message', UNARY, UNFINISHED],
    ['a message without the end of the stream', UNARY, EMPTY],
    ['a Watch without a request', WATCH, UNFINISHED],
    ['a reflection without a request', REFLECTION, UNFINISHED],
  ])('ends after the request timeout: %s', async (_name, path, body) => {
    const { port } = await startGrpcServer({ requestTimeoutMs: 200 })
    const session = raw(port)
    const late = open(session, path, body)
    expect(await finished(session)).toBe(status.OK)
    expect(await late.code).toBe(status.DEADLINE_EXCEEDED)
  })

  it('of reflection accepts 100 requests, and is closed at the next request', async () => {
    const { port } = await startGrpcServer()
    const session = raw(port)
    const allowed = open(session, REFLECTION, Buffer.alloc(5 * 100))
    allowed.stream.end()
    expect(await allowed.code).toBe(status.OK)
    const beyond = open(session, REFLECTION, Buffer.alloc(5 * 101))
    await beyond.code
    expect(beyond.stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  })
})

/** Sends the head of a message of 65,535 bytes, and then `count` bytes of it, each in a frame of its own. */
async function sendSingly(stream: ClientHttp2Stream, count: number): Promise<void> {
  stream.write(Buffer.from([0, 0, 0, 255, 255]))
  for (let sent = 0; sent < count && !stream.destroyed; sent += 1) {
    await new Promise((resolve) => stream.write(Buffer.alloc(1), resolve))
  }
}

describe('a message in too many frames', () => {
  it.each<[string, string, Record<string, string>]>([
    ['an ordinary call', UNARY, {}],
    ['a reflection', REFLECTION, {}],
    ['a Watch', WATCH, {}],
  ])('makes the port close its stream: %s', async (_name, path, headers) => {
    const { port, rpc } = await startGrpcServer()
    const session = raw(port)
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', ...headers })
    const closed = new Promise((resolve) => stream.on('error', () => {}).on('close', resolve))
    await sendSingly(stream, 2000)
    await closed
    expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    expect(rpc.calls).toHaveLength(0)
    expect(await finished(session)).toBe(status.OK)
  })
})

describe('open streams', () => {
  it('of one source are limited to half of the maximum, and a stream that ends makes room for another', async () => {
    const { port } = await startGrpcServer({ maxStreams: 4 })
    const session = raw(port)
    const watches = [open(session, WATCH, EMPTY), open(session, WATCH, EMPTY)]
    for (const { stream } of watches) stream.end()
    await Promise.all(watches.map(({ answered }) => answered))
    expect(await open(session, UNARY, UNFINISHED).code).toBe(status.UNAVAILABLE)
    watches[0]?.stream.close()
    await eventually(async () => expect(await finished(session)).toBe(status.OK))
  })

  it('of Watch are limited to 32 for one source, which leaves room for other calls', async () => {
    const { port } = await startGrpcServer()
    const session = raw(port)
    const watches = Array.from({ length: 32 }, () => open(session, WATCH, EMPTY))
    for (const { stream } of watches) stream.end()
    await Promise.all(watches.map(({ answered }) => answered))
    expect(await open(session, WATCH, EMPTY).code).toBe(status.RESOURCE_EXHAUSTED)
    expect(await finished(session)).toBe(status.OK)
  })
})
