import { once } from 'node:events'
import { createConnection } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { certificate } from '../../test/support/certificate.ts'
import { rawExchange, startGateway } from '../../test/support/gateway.ts'

const tooSlow = 'HTTP/1.1 408 Request Timeout'

/** Returns a chunked body. All chunks but one contain a single byte. */
function pieces(count: number): string {
  return `2\r\n{}\r\n${'1\r\n \r\n'.repeat(count)}0\r\n\r\n`
}

function postHead(length: number): string {
  return `POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
}

describe('the HTTP port, after the request timeout', () => {
  it('answers 408 to a body that never ends, although bytes keep arriving', async () => {
    const { port, rpc } = await startGateway({ requestTimeoutMs: 300 })
    const socket = createConnection(port, '127.0.0.1')
    const { promise, resolve } = Promise.withResolvers<void>()
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.write(postHead(1000))
    const drip = setInterval(() => socket.writable && socket.write(' '), 20)
    await promise
    clearInterval(drip)
    expect(answer).toContain(tooSlow)
    expect(answer).toContain('"reason":"REQUEST_TIMEOUT"')
    expect(rpc.calls).toHaveLength(0)
  })

  it('answers 408 to a body that never ends on a Connect path', async () => {
    const { port, rpc } = await startGateway({ requestTimeoutMs: 300 })
    const head = postHead(1000).replace('/v1/challenge', '/auth4agent.v1.AuthnService/CreateChallenge')
    expect(await rawExchange(port, head)).toContain('408')
    expect(rpc.calls).toHaveLength(0)
  })

  it('answers 408 to headers that never end', async () => {
    const { port } = await startGateway({ requestTimeoutMs: 300 })
    expect(await rawExchange(port, 'GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ')).toContain(tooSlow)
  })
})

describe('the HTTP port', () => {
  it.each([
    ['input that is not HTTP', 'nonsense\r\n\r\n', 400, 'INVALID_ARGUMENT'],
    ['large headers', `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    [
      'two content lengths',
      'POST /v1/token HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'INVALID_ARGUMENT',
    ],
    [
      'a content length together with chunked encoding',
      'POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'INVALID_ARGUMENT',
    ],
  ])('refuses %s with a problem document', async (_name, request, status, reason) => {
    const { port, rpc } = await startGateway()
    const answer = await rawExchange(port, request)
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(answer).toContain('content-type: application/problem+json')
    expect(answer).toContain('x-content-type-options: nosniff')
    expect(answer).toContain(`"reason":"${reason}"`)
    expect(rpc.calls).toHaveLength(0)
    expect(rpc.refused).toStrictEqual([{ reason, rpc: 'none', source: '127.0.0.1' }])
  })

  it.each([
    ['to a hot endpoint', 'POST /v1/challenge'],
    ['to another route', 'PATCH /v1/operators/x/agents/scopes'],
    ['to Connect', 'POST /auth4agent.v1.AuthnService/CreateChallenge'],
  ])('refuses a body in more than 1024 pieces %s', async (_name, target) => {
    const { port, rpc } = await startGateway()
    const head = `${target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
    const answer = await rawExchange(port, head + pieces(2000))
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toStrictEqual(['HTTP/1.1 413'])
    expect(answer).toContain('"reason":"BODY_TOO_LARGE"')
    expect(rpc.calls).toHaveLength(0)
    await rawExchange(port, head.replace('host: x', 'host: x\r\nconnection: close') + pieces(1000))
    expect(rpc.calls).toHaveLength(1)
  })

  it('closes the connection without an answer to invalid input while an earlier request is not answered', async () => {
    const { port, rpc } = await startGateway()
    rpc.answer(AuthnService.method.createChallenge, async () => new Promise(() => undefined))
    expect(await rawExchange(port, `${postHead(2)}{}nonsense\r\n\r\n`)).toBe('')
    expect(rpc.calls).toHaveLength(1)
  })

  it('refuses a chunked body that is larger than the limit', async () => {
    const { port, rpc } = await startGateway({ bodyLimit: 1024 })
    const head =
      'POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
    const answer = await rawExchange(port, `${head}800\r\n${' '.repeat(2048)}\r\n0\r\n\r\n`)
    expect(answer).toContain('HTTP/1.1 413 ')
    expect(answer).toContain('"reason":"BODY_TOO_LARGE"')
    expect(rpc.calls).toHaveLength(0)
  })
})

describe('close of the HTTP port', () => {
  it('lets a request in flight finish and accepts no new connection', async () => {
    const gateway = await startGateway()
    const started = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    gateway.rpc.answer(AuthnService.method.createChallenge, async () => {
      started.resolve()
      await release.promise
      return { challenge: 'c' }
    })
    const answer = fetch(`${gateway.url}/v1/challenge`, { method: 'POST' })
    await started.promise
    const closed = gateway.close()
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow('fetch failed')
    release.resolve()
    expect(await (await answer).json()).toMatchObject({ challenge: 'c' })
    await closed
  })

  it('answers a request that was pipelined behind a request in flight', async () => {
    const gateway = await startGateway()
    const started = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    gateway.rpc.answer(AuthnService.method.createChallenge, async () => {
      started.resolve()
      await release.promise
      return {}
    })
    gateway.rpc.answer(AuthnService.method.verifyToken, () => ({ valid: true }))
    const second = postHead(2).replace('challenge', 'verify')
    const answers = rawExchange(gateway.port, `${postHead(2)}{}${second}{}`)
    await started.promise
    const closed = gateway.close()
    release.resolve()
    expect((await answers).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
    await closed
  })

  it.each([
    ['without TLS', {}],
    ['over TLS', { baseUrl: 'https://localhost', tls: certificate }],
  ])('does not wait for a connection that has sent no request, %s', async (_name, config) => {
    const gateway = await startGateway(config)
    const socket =
      'tls' in config
        ? connectTls({ port: gateway.port, host: 'localhost', ca: certificate.cert })
        : createConnection(gateway.port, '127.0.0.1')
    await once(socket, 'tls' in config ? 'secureConnect' : 'connect')
    socket.on('error', () => undefined).resume()
    const ended = once(socket, 'close')
    const startedAt = performance.now()
    await gateway.close()
    // This is less than the ten seconds that running requests get.
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    await ended
  })
})

describe('the source of a request', () => {
  it.each<[string, string[], string | undefined, string]>([
    ['is the peer without trusted proxies', [], '9.9.9.9', '127.0.0.1'],
    ['is the peer when the peer is not a trusted proxy', ['10.0.0.0/8'], '9.9.9.9', '127.0.0.1'],
    ['is the address in X-Forwarded-For of a trusted proxy', ['127.0.0.1'], '9.9.9.9', '9.9.9.9'],
    [
      'is the last address in X-Forwarded-For that is not a trusted proxy',
      ['127.0.0.0/8', '10.0.0.0/8'],
      '6.6.6.6, 9.9.9.9, 10.1.1.1',
      '9.9.9.9',
    ],
    [
      'is never an address before a malformed one',
      ['127.0.0.1', '10.1.1.1'],
      '6.6.6.6, nonsense, 10.1.1.1',
      '10.1.1.1',
    ],
    ['is the trusted proxy when it sends no X-Forwarded-For', ['127.0.0.1'], undefined, '127.0.0.1'],
    ['is an IPv4 address when it is mapped into IPv6', ['127.0.0.1'], '::ffff:9.9.9.9', '9.9.9.9'],
    ['is an IPv6 address when the proxy sends one', ['127.0.0.1'], '2001:db8::1', '2001:db8::1'],
  ])('%s', async (_name, trustedProxies, forwarded, expected) => {
    const { url, rpc } = await startGateway({ trustedProxies })
    const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    await fetch(`${url}/v1/challenge`, { method: 'POST', headers })
    expect(rpc.last().meta.source).toBe(expected)
  })

  it('refuses a trusted proxy that is not an address', async () => {
    await expect(startGateway({ trustedProxies: ['proxy.local'] })).rejects.toThrow(
      'A trusted proxy must be an IP address',
    )
  })
})
