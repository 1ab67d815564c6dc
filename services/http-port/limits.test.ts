import { once } from 'node:events'
import { createConnection } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { AuthnService } from '../../gen/proto/auth4agent/v1/authn_pb.ts'
import { certificate } from '../../test/support/certificate.ts'
import { rawExchange, startGateway } from '../../test/support/gateway.ts'

const tooSlow = 'HTTP/1.1 408 Request Timeout'

/** A body in chunks, all but one of them of a single byte. */
function pieces(count: number): string {
  return `2\r\n{}\r\n${'1\r\n \r\n'.repeat(count)}0\r\n\r\n`
}

function postHead(length: number): string {
  return `POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
}

describe('the HTTP port cuts', () => {
  it('a body that never ends, although its bytes keep coming', async () => {
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

  it('the same body on a Connect path', async () => {
    const { port, rpc } = await startGateway({ requestTimeoutMs: 300 })
    const head = postHead(1000).replace('/v1/challenge', '/auth4agent.v1.AuthnService/CreateChallenge')
    expect(await rawExchange(port, head)).toContain('408')
    expect(rpc.calls).toHaveLength(0)
  })

  it('headers that never end', async () => {
    const { port } = await startGateway({ requestTimeoutMs: 300 })
    expect(await rawExchange(port, 'GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ')).toContain(tooSlow)
  })
})

describe('the HTTP port refuses, as a problem document,', () => {
  it.each([
    ['what is not HTTP', 'nonsense\r\n\r\n', 400, 'INVALID_ARGUMENT'],
    ['large headers', `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    [
      'two lengths',
      'POST /v1/token HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'INVALID_ARGUMENT',
    ],
    [
      'a length beside chunks',
      'POST /v1/token HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'INVALID_ARGUMENT',
    ],
  ])('%s', async (_name, request, status, reason) => {
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
    ['answered directly', 'POST /v1/challenge'],
    ['of another route', 'PATCH /v1/operators/x/agents/scopes'],
    ['of Connect', 'POST /auth4agent.v1.AuthnService/CreateChallenge'],
  ])('a body in very many pieces, %s', async (_name, target) => {
    const { port, rpc } = await startGateway()
    const head = `${target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
    const answer = await rawExchange(port, head + pieces(2000))
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toStrictEqual(['HTTP/1.1 413'])
    expect(answer).toContain('"reason":"BODY_TOO_LARGE"')
    expect(rpc.calls).toHaveLength(0)
    await rawExchange(port, head.replace('host: x', 'host: x\r\nconnection: close') + pieces(1000))
    expect(rpc.calls).toHaveLength(1)
  })

  it('nothing where a request before it has no answer yet: its caller would take the refusal for that', async () => {
    const { port, rpc } = await startGateway()
    rpc.answer(AuthnService.method.createChallenge, async () => new Promise(() => undefined))
    expect(await rawExchange(port, `${postHead(2)}{}nonsense\r\n\r\n`)).toBe('')
    expect(rpc.calls).toHaveLength(1)
  })

  it('a chunked body beyond the limit', async () => {
    const { port, rpc } = await startGateway({ bodyLimit: 1024 })
    const head =
      'POST /v1/challenge HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
    const answer = await rawExchange(port, `${head}800\r\n${' '.repeat(2048)}\r\n0\r\n\r\n`)
    expect(answer).toContain('HTTP/1.1 413 ')
    expect(answer).toContain('"reason":"BODY_TOO_LARGE"')
    expect(rpc.calls).toHaveLength(0)
  })
})

describe('close', () => {
  it('lets a request in flight finish and takes no new ones', async () => {
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

  it('answers what was sent behind a request in flight', async () => {
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
    ['in clear', {}],
    ['over TLS', { baseUrl: 'https://localhost', tls: certificate }],
  ])('does not wait for a connection that was opened ahead of time, %s', async (_name, config) => {
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
    // Requests in flight would have had ten seconds.
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    await ended
  })
})

describe('the source of a request', () => {
  it.each<[string, string[], string | undefined, string]>([
    ['is the peer without trusted proxies', [], '9.9.9.9', '127.0.0.1'],
    ['is the peer when that is no trusted proxy', ['10.0.0.0/8'], '9.9.9.9', '127.0.0.1'],
    ['is what a trusted proxy says', ['127.0.0.1'], '9.9.9.9', '9.9.9.9'],
    [
      'is the last address that no trusted proxy has',
      ['127.0.0.0/8', '10.0.0.0/8'],
      '6.6.6.6, 9.9.9.9, 10.1.1.1',
      '9.9.9.9',
    ],
    ['is never what stands before nonsense', ['127.0.0.1', '10.1.1.1'], '6.6.6.6, nonsense, 10.1.1.1', '10.1.1.1'],
    ['is the proxy when it says nothing', ['127.0.0.1'], undefined, '127.0.0.1'],
    ['is told as IPv4 when mapped into IPv6', ['127.0.0.1'], '::ffff:9.9.9.9', '9.9.9.9'],
    ['may be IPv6', ['127.0.0.1'], '2001:db8::1', '2001:db8::1'],
  ])('%s', async (_name, trustedProxies, forwarded, expected) => {
    const { url, rpc } = await startGateway({ trustedProxies })
    const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    await fetch(`${url}/v1/challenge`, { method: 'POST', headers })
    expect(rpc.last().meta.source).toBe(expected)
  })

  it('needs addresses of proxies', async () => {
    await expect(startGateway({ trustedProxies: ['proxy.local'] })).rejects.toThrow('no address of a trusted proxy')
  })
})
