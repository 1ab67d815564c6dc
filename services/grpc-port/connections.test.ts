import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { RevocationService } from '../../gen/proto/auth4agent/v1/revocation_pb.ts'
import { certificate } from '../../test/support/certificate.ts'
import { eventually } from '../../test/support/eventually.ts'
import { silentLog } from '../../test/support/gateway.ts'
import { startGrpcServer } from '../../test/support/grpc.ts'
import { encodeFrame } from './frames.ts'
import type { GrpcServerDeps } from './server.ts'

const HEALTH = '/grpc.health.v1.Health/Check'
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
])

/** Opens connections that send nothing, or only `said`, and do not close when the server closes its side. */
async function silent(port: number, count: number, said = Buffer.alloc(0)) {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined)
    socket.write(said)
    return socket.resume()
  })
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return sockets
}

/** Counts the connections that the server has closed, completely or only its side. */
const closedOf = (sockets: readonly Socket[]) =>
  sockets.filter((socket) => socket.closed || socket.readableEnded).length

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

const bytes = (buffer: Buffer) => buffer

/** Makes a call over a new connection. Resolves with the gRPC status, or with the reason why there is none. */
async function call(port: number, path = HEALTH): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  onTestFinished(() => session.destroy())
  session.on('error', () => undefined)
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' })
  const { promise, resolve } = Promise.withResolvers<string>()
  stream.on('trailers', (trailers) => resolve(String(trailers['grpc-status'])))
  stream.on('error', (error) => resolve(error.message)).on('close', () => resolve('closed'))
  stream.resume().end(encodeFrame(new Uint8Array()))
  return promise
}

async function start(deps: Partial<GrpcServerDeps> = {}) {
  const closed: string[] = []
  const lines: unknown[] = []
  const log = { ...silentLog, warn: (fields: object) => void lines.push(fields) }
  const connectionClosed = (port: string, reason: string) => void closed.push(`${port} ${reason}`)
  return { closed, lines, ...(await startGrpcServer({ log, connectionClosed, ...deps })) }
}

describe('the connections of the gRPC port', () => {
  it.each([
    ['send nothing', Buffer.alloc(0)],
    ['send the HTTP/2 preface and no call', PREFACE],
  ])('are closed after the request timeout when they %s', async (_name, said) => {
    const { port, closed } = await start({ requestTimeoutMs: 300 })
    const sockets = await silent(port, 20, said)
    await eventually(() => expect(closedOf(sockets)).toBe(20))
    expect(closed).toEqual(Array.from({ length: 20 }, () => 'grpc silent'))
  })

  it('are closed after the request timeout when their TLS handshake does not end', async () => {
    const { port } = await start({ requestTimeoutMs: 300, tls: certificate })
    const sockets = await silent(port, 20)
    await eventually(() => expect(closedOf(sockets)).toBe(20))
  })

  it('stay open after a call', async () => {
    const { port } = await start({ requestTimeoutMs: 200 })
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    onTestFinished(() => session.destroy())
    const ask = async () => {
      const stream = session.request({ ':method': 'POST', ':path': HEALTH, 'content-type': 'application/grpc' })
      stream.resume().end(encodeFrame(new Uint8Array()))
      await once(stream, 'close')
    }
    await ask()
    const [late] = await silent(port, 1)
    await eventually(() => expect(closedOf(late === undefined ? [] : [late])).toBe(1))
    await ask()
    expect(session.closed).toBe(false)
  })

  it('at the limit are closed to admit new connections, with a metric and one log line', async () => {
    const { port, closed, lines } = await start({ maxConnections: 16, maxSourceConnections: 16 })
    const sockets = await silent(port, 40)
    expect(await call(port)).toBe('0')
    expect(closedOf(sockets)).toBeGreaterThanOrEqual(24)
    expect(new Set(closed)).toEqual(new Set(['grpc evicted']))
    expect(closed.length).toBeGreaterThanOrEqual(25)
    expect(lines).toEqual([{ port: 'grpc', closed: { evicted: 1 } }])
  })

  it('of one source are limited, and an idle connection is closed before a connection in use', async () => {
    const { port, rpc, client, closed } = await start({ maxSourceConnections: 2 })
    rpc.answerStream(RevocationService.method.watchRevocations, async function* (_request, signal) {
      yield {}
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    const watch = client.makeServerStreamRequest(
      '/auth4agent.v1.RevocationService/WatchRevocations',
      bytes,
      bytes,
      Buffer.alloc(0),
    )
    const ended = vi.fn()
    watch.on('error', ended).on('end', ended)
    await once(watch, 'data')
    for (let n = 0; n < 4; n += 1) expect(await call(port)).toBe('0')
    expect(ended).not.toHaveBeenCalled()
    expect(closed).toContain('grpc evicted')
    watch.cancel()
  })

  it.each<[string, string[] | undefined, string | Buffer]>([
    ['HTTP/1.1', undefined, GET],
    ['HTTP/1.1 over TLS', ['http/1.1'], GET],
    ['HTTP/1.1 over TLS without ALPN', [], GET],
    ['HTTP/2 over TLS without ALPN', [], PREFACE],
    ['a POST of HTTP/1.1 with a body', undefined, `POST /v1/token HTTP/1.1\r\nhost: x\r\n\r\n${' '.repeat(100_000)}`],
  ])('of a caller that sends %s get an answer that names the port for it', async (_name, alpn, said) => {
    const { port, closed } = await start(alpn === undefined ? {} : { tls: certificate })
    const options = { port, host: '127.0.0.1' }
    const secure = { ...options, servername: 'localhost', ca: certificate.cert, ALPNProtocols: alpn ?? [] }
    const socket = alpn === undefined ? connect(options) : connectTls(secure)
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString())).on('error', () => undefined)
    socket.write(said)
    await once(socket, 'close')

    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer).toContain(
      'This is the gRPC port. It speaks gRPC over HTTP/2. REST and Connect are at https://auth.example',
    )
    expect(closed).toEqual(['grpc http1'])
  })

  it('are of HTTP/2 also if the preface arrives byte by byte', async () => {
    const { port, closed } = await start()
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    onTestFinished(() => void socket.destroy())
    const settings = once(socket, 'data')
    for (const octet of PREFACE) {
      socket.write(Buffer.of(octet))
      await new Promise((resolve) => setImmediate(resolve))
    }

    // The type of the first frame of the server is SETTINGS.
    expect((await settings)[0]).toMatchObject({ 3: 4 })
    expect(closed).toEqual([])
  })
})

describe('a gRPC port that closes', () => {
  it.each([
    ['without TLS', undefined, Buffer.alloc(0)],
    ['without TLS, after the preface', undefined, PREFACE],
    ['in a TLS handshake', certificate, Buffer.alloc(0)],
  ])('does not wait for silent connections: %s', async (_name, tls, said) => {
    const { port, server, lines } = await start(tls === undefined ? {} : { tls })
    const sockets = await silent(port, 8, said)
    await server.close()
    await eventually(() => expect(closedOf(sockets)).toBe(8))
    // The port logs no warning, because it did not have to cut a connection.
    expect(lines).toEqual([])
  })

  it('sends NOT_SERVING to the watchers of health and ends their streams', async () => {
    const { port, server, lines } = await start()
    server.setServing(true)
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    onTestFinished(() => session.destroy())
    const headers = { ':method': 'POST', ':path': '/grpc.health.v1.Health/Watch', 'content-type': 'application/grpc' }
    const stream = session.request(headers)
    const seen: number[] = []
    const trailers = once(stream, 'trailers')
    stream.on('data', (chunk: Buffer) => void seen.push(chunk.at(-1) ?? 0)).end(encodeFrame(new Uint8Array()))
    await eventually(() => expect(seen).toEqual([1]))
    await server.close()
    expect(seen).toEqual([1, 2])
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '0' })
    expect(lines).toEqual([])
  })

  it('cuts calls that do not end within drainMs', async () => {
    const { port, rpc, server, lines } = await start({ drainMs: 200 })
    const started = Promise.withResolvers<void>()
    Object.assign(rpc, {
      invoke() {
        started.resolve()
        return new Promise(() => undefined)
      },
    })
    const answer = call(port, '/auth4agent.v1.AuthnService/CreateChallenge')
    await started.promise
    await server.close()
    expect(await answer).not.toBe('0')
    expect(lines).toHaveLength(1)
  })
})
